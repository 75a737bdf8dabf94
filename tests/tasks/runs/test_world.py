"""Tasks that touch the world: what they do, what they may not, and that none is lost with a message or a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from schema import envelope as keys
from schema.runs.ids import node_id
from schema.runs.rules.graph import plan_of
from tests.schema.runs.graphs import node, operation
from tests.tasks.runs.conftest import House


def one(type: str, begins: str, leaves: str = "Complete", **data: Any) -> dict[str, Any]:
    """A graph of one task; `{outputs}` of it lie in TaskOutput.it."""
    return operation([node("it", type, **data), node("end", "end")], [f"start.Out>it.{begins}", f"it.{leaves}>end.In"])


def outputs(house: House, run: str, name: str = "it") -> dict[str, Any]:
    import orjson

    found = house.node(run, name).outputs
    return dict(orjson.loads(found) if isinstance(found, str) else found)


def run_of(house: House, document: dict[str, Any]) -> str:
    run = house.started(document)
    house.work()
    return run


def test_files_are_written_read_copied_and_listed_within_the_run_s_folder(lite: House) -> None:
    nodes = [
        node("write", "write-file", FilePath="in/a.txt", Content="one\ntwo", LineEnding="crlf"),
        node("copy", "copy-file", Source="in/a.txt", TargetFile="in/b.txt"),
        node("read", "read-file", FilePath="in/b.txt", Destination="Operation.text"),
        node("list", "list-files", Folder="in", Pattern="*.txt"),
        node("json", "write-json", FilePath="c.json", DataAddress="TaskOutput.list.Files"),
        node("back", "read-json", FilePath="c.json", Destination="Output.files"),
    ]
    edges = ["start.Out>write.BeginWrite", "write.WriteComplete>copy.Trigger", "copy.Done>read.BeginRead", "read.ReadComplete>list.Trigger"]
    run = lite.started(operation(nodes, [*edges, "list.Complete>json.Trigger", "json.Done>back.Trigger"]))
    while lite.work():
        pass
    assert (lite.status(run), lite.errors(run)) == ("Complete", [])
    assert outputs(lite, run, "read")["FileContent"] == "one\r\ntwo"
    assert outputs(lite, run, "back")["Data"] == ["a.txt", "b.txt"]


@pytest.mark.parametrize("path", ["../other/a", "/etc/passwd", "in/../../../a", "link/passwd"])
def test_no_file_outside_of_the_folders_is_touched(lite: House, path: str) -> None:
    run = lite.started(one("read-file", "BeginRead", "ReadComplete", FilePath=path))
    folder = Path(lite.kernel.settings.data) / "staging" / run
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("/etc")
    lite.work()
    assert lite.status(run) == "Failed"
    assert "lies outside" in lite.errors(run)[0]


def test_a_folder_that_the_operator_allows_is_open(houses: Callable[..., House], sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.txt").write_text("hello")
    house = houses(sqlite_url, UV_RUN_FOLDERS=str(tmp_path / "shared"))
    run = run_of(house, one("read-file", "BeginRead", "ReadComplete", FilePath=str(tmp_path / "shared" / "a.txt")))
    assert outputs(house, run)["FileContent"] == "hello"


def test_a_file_comes_in_pieces_and_is_checked_as_a_whole(lite: House) -> None:
    run = run_of(lite, one("chunked-write", "BeginChunkWrite", "WriteComplete", FilePath="a", Content="aGk=", IsLast=True, ExpectedSha256="00"))
    assert outputs(lite, run)["Sha256"] == "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
    assert lite.kinds(run)[-2:] == ["TaskComplete it", "ExecutionComplete"]


def test_a_missing_file_fails_its_node(lite: House) -> None:
    run = run_of(lite, one("read-file", "BeginRead", "ReadComplete", FilePath="none"))
    assert "FileNotFoundError" in lite.errors(run)[0]


class _Answers(BaseHTTPRequestHandler):
    seen: list[tuple[str, str, bytes]] = []  # noqa: RUF012 - the handler is made anew for each request

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, body))
        status, data, more = {"/json": (200, b'{"n": [1, 2]}', {}), "/away": (302, b"", {"Location": "http://169.254.169.254/latest"})}.get(
            self.path, (503, b"busy", {})
        )
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    _Answers.seen.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_private_addresses_are_not_called_unless_the_operator_says_so(lite: House, site: str) -> None:
    run = run_of(lite, one("get-json", "Trigger", URL=f"{site}/json"))
    assert (lite.status(run), _Answers.seen) == ("Failed", [])
    assert "private address 127.0.0.1" in lite.errors(run)[0]


@pytest.mark.parametrize(
    "url", ["http://[::ffff:127.0.0.1]/", "http://localhost/", "http://0.0.0.0/", "http://10.1.2.3/", "http://[fe80::1]/", "ftp://x/"]
)
def test_no_spelling_of_a_private_address_is_called(lite: House, url: str) -> None:
    run = run_of(lite, one("get-text", "Trigger", URL=url))
    assert lite.status(run) == "Failed"
    assert "private" in lite.errors(run)[0] or "no HTTP address" in lite.errors(run)[0]


def test_json_is_got_and_sent(houses: Callable[..., House], sqlite_url: str, site: str) -> None:
    house = houses(sqlite_url, UV_RUN_PRIVATE_ADDRESSES="127.0.0.0/8")
    run = run_of(house, one("get-json", "Trigger", URL=f"{site}/json", Destination="Operation.got"))
    assert outputs(house, run) == {"Data": {"n": [1, 2]}, "StatusCode": 200}
    run = run_of(house, one("send-json", "Trigger", URL=f"{site}/json", Data={"a": 1}))
    assert (house.status(run), _Answers.seen[-1]) == ("Complete", ("POST", "/json", b'{"a":1}'))
    run = run_of(house, one("rest-request", "In", URL=f"{site}/busy", Method="POST", Body="x", Retries=2, RetryDelayMs=0))
    assert (house.status(run), len(_Answers.seen)) == ("Failed", 5)
    assert house.errors(run) == ["HTTP 503: busy"]


def test_a_redirect_leads_to_no_private_address(houses: Callable[..., House], sqlite_url: str, site: str) -> None:
    house = houses(sqlite_url, UV_RUN_PRIVATE_ADDRESSES="127.0.0.0/8")
    run = run_of(house, one("get-text", "Trigger", URL=f"{site}/away"))
    assert "private address 169.254.169.254" in house.errors(run)[0]


def test_a_command_goes_to_a_beacon(lite: House) -> None:
    beacon = lite.register("shell")
    run = lite.started(one("command", "Trigger", Command="echo", Parameters="hi"))
    (offer,) = lite.inbox(beacon)
    assert (offer["Capability"], offer["Settings"]["Command"]) == ("Shell", "echo")
    lite.done(lite.complete(offer["WorkItemHash"], beacon, 1, StdOut="hi\n", ExitCode=0))
    assert outputs(lite, run)["StdOut"] == "hi\n"


def test_a_command_runs_here_only_where_the_operator_allows_it(
    houses: Callable[..., House], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_SECRET_KEY", "hush")
    house = houses(sqlite_url, UV_RUN_LOCAL_SHELL="1")
    run = run_of(house, one("command", "Trigger", Command="sh -c 'echo $A $UV_SECRET_KEY; pwd'", Environment={"A": "x"}))
    assert outputs(house, run)["StdOut"] == f"x\n{Path(house.kernel.settings.data) / 'staging' / run}\n"
    run = run_of(house, one("command", "Trigger", Command="sh -c 'exit 3'"))
    assert (house.status(run), outputs(house, run)["ExitCode"]) == ("Failed", 3)


def test_an_address_of_a_beacon_becomes_a_url(lite: House) -> None:
    lite.register("files", contexts={"Docs": {"BaseURL": "http://files:80/d/"}})
    run = run_of(lite, one("resolve-address", "Trigger", Address=">files/Docs/a b/c.txt"))
    assert outputs(lite, run)["URL"] == "http://files:80/d/a%20b/c.txt"


def test_a_lost_message_is_sent_again_and_a_double_one_does_nothing(house: House) -> None:
    run = house.started(one("write-file", "BeginWrite", "WriteComplete", FilePath="a", Content="x"))
    (call,) = house.calls
    house.calls.clear()
    house.pass_time(1)
    assert house.calls == []
    house.pass_time(10)
    assert [again[1] for again in house.calls] == [call[1]]
    house.calls *= 2
    assert (house.work(), house.status(run)) == (1, "Complete")


def test_a_task_that_kills_its_workers_fails_after_the_third(lite: House) -> None:
    run = lite.started(one("write-file", "BeginWrite", "WriteComplete", FilePath="a", Content="x"))
    name = f"{node_id(run, 'it')}:1:1"
    lite.kernel.redis.set(keys.doing(name), "1", px=60_000)
    assert lite.work() == 0, "another worker has it"
    lite.kernel.redis.delete(keys.doing(name))
    lite.kernel.redis.set(keys.task_tries(name), 3)
    lite.pass_time(10)
    lite.work()
    assert lite.errors(run) == ["Each of 3 workers that began with it has died."]


def test_a_task_is_tried_again_as_its_policy_says(lite: House) -> None:
    document = operation([node("it", "read-file", FilePath="a", policy={"MaxAttempts": 2, "RetryBackoffMs": 1_000})], ["start.Out>it.BeginRead"])
    assert plan_of(document).nodes["it"].policy.max_attempts == 2
    run = run_of(lite, document)
    assert lite.node(run, "it").status == "Paused"
    folder = Path(lite.kernel.settings.data) / "staging" / run
    folder.mkdir(parents=True)
    (folder / "a").write_text("there")
    lite.pass_time(2)
    lite.work()
    assert (lite.status(run), lite.node(run, "it").attempt) == ("Complete", 2)


def test_the_folder_of_a_run_in_production_is_removed_at_its_end(lite: House) -> None:
    from tasks.runs.tidy import tidy

    run = lite.started(one("write-file", "BeginWrite", "WriteComplete", FilePath="a", Content="x"), mode="production")
    lite.work()
    folder = Path(lite.kernel.settings.data) / "staging" / run
    assert folder.is_dir()
    (call,) = [call for call in lite.calls if call[0] == "tidy_run"]
    tidy(lite.kernel, *call[1])
    assert not folder.exists()
