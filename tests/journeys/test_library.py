"""Every operation of the library runs as it says, on a real hub with real beacons; what it fetches and sends is served on this host."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.rig import Rig, rig
from tests.journeys import fleet
from tests.services.processes import Process, eventually
from ultravisor import here
from ultravisor.runtime.places import PROJECT

LIBRARY = sorted(path.name for path in (Path(PROJECT) / "schema" / "runs" / "library").glob("*.json"))

Told = Mapping[str, Any]


class Site(BaseHTTPRequestHandler):
    """Gives a little JSON, and takes whatever is sent."""

    def do_GET(self) -> None:
        self._say(b'{"temperature": 21}')

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(b'{"got": ' + sent + b"}")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is told on stderr."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def hub() -> Iterator[Rig]:
    """A hub with a shell and everything else that the library wants."""
    with rig("worker", "executor", "beat", "web", UV_RUN_PRIVATE_ADDRESSES="127.0.0.0/8") as made:
        providers = [word for provider in fleet.PROVIDERS for word in ("--provider", f"tests.journeys.fleet:{provider.__name__}")]
        server = here.url(made.settings.address)
        command = [sys.executable, "-m", "beacon", "--server", server, "--name", "fleet", "--max-concurrent", "8", "--provider", "Shell", *providers]
        beacon = Process(*command, cwd=PROJECT).start()
        made.processes["fleet"] = beacon
        assert eventually(lambda: here.ask(made.settings, "/Beacon")[1])
        for name in LIBRARY:
            status, document = here.ask(made.settings, f"/OperationLibrary/{name}")
            assert (status, here.ask(made.settings, "/Operation", document)[0]) == (200, 200), name
        yield made


def run(hub: Rig, operation: str, **parameters: Any) -> dict[str, Any]:
    """The whole manifest of a run, at its end."""
    _, begun = here.ask(hub.settings, f"/Operation/{operation}/Trigger", {"Parameters": parameters, "Async": True}, timeout=30)
    return ended(hub, begun["RunHash"])


def ended(hub: Rig, run_hash: str) -> dict[str, Any]:
    def manifest() -> dict[str, Any] | None:
        _, told = here.ask(hub.settings, f"/Manifest/{run_hash}?inline=outputs", timeout=30)
        return told if told["StopTime"] else None

    return dict(eventually(manifest, within=120))


def output(told: Told) -> Any:
    return told["Output"]


def executions(told: Told) -> dict[str, int]:
    return {name: len(task["Executions"]) for name, task in told["TaskManifests"].items()}


#: What must hold of the run of each operation that takes nothing.
PLAIN: dict[str, Callable[[Told], bool]] = {
    "base64-round-trip": lambda told: output(told) == {"Same": True},
    "bulk-load-fanout": lambda told: sum(executions(told).values()) - executions(told).get("start", 0) - executions(told).get("end", 0) == 7,
    "copy-with-check": lambda told: output(told) == {"Copy": {"a": [1, 2, 3]}},
    "count-down": lambda told: output(told) == {"Word": "Lift-off!"},
    "csv-report": lambda told: output(told)["ByCity"] == {"London": 2},
    "disk-usage": lambda told: "Filesystem" in output(told)["Usage"],
    "dispatch-any": lambda told: "Linux" in str(told["TaskOutputs"]),
    "draw-lots": lambda told: 1 <= output(told)["Number"] <= 49 and len(output(told)["Ticket"]) == 8 and output(told)["Draws"] == 1,
    "etl-linear": lambda told: len(told["TaskOutputs"]) >= 4,
    "etl-strict": lambda told: len(told["TaskOutputs"]) >= 4,
    "greet-many": lambda told: output(told) == {"Greetings": "Hello, Ada! Hello, Bob!"},
    "hello-world": lambda told: output(told) == {"Greeting": "Hello, world!"},
    "mixed-pipeline": lambda told: len(told["TaskOutputs"]) >= 3,
    "mixed-pipeline-fast": lambda told: len(told["TaskOutputs"]) >= 3,
    "parameter-sweep": lambda told: output(told) == {"Products": "6,20"},
    "poll-mode-only": lambda told: len(told["TaskOutputs"]) >= 1,
    "square-numbers": lambda told: output(told) == {"Squares": "1.0 4.0 9.0 16.0"},
    "summarize-text": lambda told: output(told) == {"Summary": "A long"},
    "validation-only": lambda told: len(told["TaskOutputs"]) >= 2,
    "validation-only-fast": lambda told: len(told["TaskOutputs"]) >= 2,
    "write-and-list": lambda told: sorted(output(told)["Files"]) == ["one.txt", "two.txt"],
}
#: Those that need something first, or somebody.
SPECIAL = {"approve-and-write", "fetch-to-file", "post-json", "search-and-replace"}


def test_every_operation_of_the_library_has_its_test() -> None:
    assert {name.removesuffix(".json") for name in LIBRARY} == PLAIN.keys() | SPECIAL


@pytest.mark.timeout(300)
@pytest.mark.parametrize("operation", sorted(PLAIN))
def test_an_operation_of_the_library_runs_to_its_end(hub: Rig, operation: str) -> None:
    told = run(hub, operation)
    assert (told["Status"], told["Errors"]) == ("Complete", [])
    assert PLAIN[operation](told), (told["Output"], executions(told))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("word", "written"), [("yes", True), ("no", False)])
def test_what_is_approved_is_written(hub: Rig, word: str, written: bool) -> None:
    _, waits = here.ask(hub.settings, "/Operation/approve-and-write/Execute", timeout=60)
    assert waits["Status"] == "Waiting"
    (asks,) = waits["WaitingTasks"]
    assert here.ask(hub.settings, f"/PendingInput/{waits['Hash']}", {"NodeHash": asks, "Value": word})[0] == 200
    told = ended(hub, waits["Hash"])
    assert told["Status"] == "Complete"
    assert (Path(told["StagingPath"]) / "approved.txt").exists() is written


@pytest.mark.timeout(300)
def test_what_is_fetched_becomes_a_file(hub: Rig, site: str) -> None:
    told = run(hub, "fetch-to-file", URL=site)
    assert told["Status"] == "Complete", told["Errors"]
    assert "21" in (Path(told["StagingPath"]) / "answer.json").read_text()


@pytest.mark.timeout(300)
def test_what_is_sent_arrives(hub: Rig, site: str) -> None:
    told = run(hub, "post-json", URL=site, Data={"n": 1})
    assert told["Status"] == "Complete", told["Errors"]
    assert "'got': {'n': 1}" in str(told["TaskOutputs"])


@pytest.mark.timeout(300)
def test_a_word_is_replaced_in_a_file(hub: Rig) -> None:
    told = run(hub, "search-and-replace")
    assert any("could not be read" in line for line in told["Log"]), "there is no such file yet"
