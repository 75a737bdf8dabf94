"""Where work meets the product's beacon, streams and operations: further boxes of docs/concepts/compatibility.md, on a running hub."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from tests.app.sockets.test_streaming import ERROR, FINAL, INTERMEDIATE, PROGRESS, RESULT
from tests.architecture.house import ROOT
from tests.contracts.running import Running
from tests.schema.runs.graphs import node, operation
from tests.services.processes import PATIENCE, Process, eventually

Launch = Callable[..., Process]
MANUAL = ROOT / "docs" / "how-to" / "write-a-provider.md"


@pytest.mark.parametrize("road", ["websocket", "http"])
def test_box_01_a_beacon_runs_a_shell_item_tells_progress_and_completes(road: str, real_hub: Running, launch: Launch) -> None:
    server = f"http://127.0.0.1:{real_hub.port}"
    options = (
        "--server",
        server,
        "--name",
        f"box-01-{road}",
        "--provider",
        "Synthetic",
        "--synthetic-capability",
        f"Slow{road}",
        "--provider",
        "Shell",
    )
    launch(sys.executable, "-m", "beacon", *options, "--transport", road, cwd=ROOT, ready="registered")
    client = real_hub.submitter()
    hash = client.enqueue(Settings={"Command": "echo box 1"}, AffinityKey=f"box-01-{road}", RequireAffinityMatch=True)
    outputs = client.becomes(hash, "Complete")["Result"]["Outputs"]
    assert (outputs["StdOut"], outputs["ExitCode"]) == ("box 1\n", 0)
    slow = client.enqueue(Capability=f"Slow{road}", Action="Process", Settings={"DurationMs": 1_500})
    assert client.becomes(slow, "Complete")["Progress"]["Percent"] > 0
    assert [event["event_type"] for event in real_hub.events(slow)] == ["enqueued", "dispatched", "completed"]


def test_a_provider_of_twenty_lines_works_as_the_manual_says(real_hub: Running, launch: Launch, tmp_path: Path) -> None:
    code = re.search(r"`greeting\.py`:\n\n```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    assert code, "the manual has lost its example"
    assert len(code[1].splitlines()) <= 20
    (tmp_path / "greeting.py").write_text(code[1])
    options = ("--server", f"http://127.0.0.1:{real_hub.port}", "--name", "greeter", "--provider", "greeting:Greeting")
    path = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    launch(sys.executable, "-m", "beacon", *options, cwd=tmp_path, env=path, ready="registered")
    client = real_hub.submitter()
    item = client.becomes(client.enqueue(Capability="Greeting", Action="Say", Settings={"Who": "Ada"}), "Complete")
    assert item["Result"]["Outputs"]["Result"] == "Hello, Ada!"
    assert item["Result"]["Log"] == ["greeted Ada"]
    assert item["Progress"]["Message"].startswith("step ")
    failed = client.becomes(client.enqueue(Capability="Greeting", Action="Shout"), "Error", "Pending")
    assert failed["Status"] == "Pending", "an action that nobody declares goes to nobody"


def test_box_07_a_canceled_item_resumes_its_run(real_hub: Running) -> None:
    client = real_hub.submitter()
    cards = [{"Capability": "Box07", "Action": "Do", "Description": "", "SettingsSchema": []}]
    beacon = client.register("box-07-runs", "Box07", ActionSchemas=cards, HeartbeatIntervalMs=600_000)
    graph = operation(
        [node("a", "beacon-box07-do"), node("rescue", "set-value", Value="rescued", ToAddress="Output.word"), node("end", "end")],
        ["start.Out>a.T", "a.Error>rescue.Execute", "rescue.Complete>end.In"],
    )
    assert client.ask("POST", "/Operation", graph | {"Hash": "box-07"})[0] == 200
    _, run = client.ask("POST", "/Operation/box-07/Execute/Async", {})
    item = client.given(beacon)
    assert client.ask("POST", f"/Beacon/Work/{item['WorkItemHash']}/Cancel", {"GraceMs": 0})[0] == 200
    told = eventually(lambda: (found := client.ask("GET", f"/Manifest/{run['RunHash']}")[1])["Status"] == "Complete" and found)
    assert told["Output"] == {"word": "rescued"}
    assert client.item(item["WorkItemHash"])["Status"] == "Canceled"


def frames(hub: Running, body: dict[str, Any]) -> tuple[str | None, list[tuple[int, bytes]]]:
    """The protocol's name, and all frames of one DispatchStream."""
    line = HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
    line.request("POST", "/Beacon/Work/DispatchStream", orjson.dumps(body), {"Content-Type": "application/json"})
    response = line.getresponse()
    found = []
    while head := response.read(5):
        found.append((head[0], response.read(int.from_bytes(head[1:]))))
    line.close()
    return response.getheader("X-Ultravisor-Protocol"), found


def test_box_10_a_stream_brings_every_kind_of_frame(real_hub: Running) -> None:
    client = real_hub.submitter()
    beacon = client.register("box-10-stream", "Box10Stream", HeartbeatIntervalMs=600_000)
    told: list[tuple[str | None, list[tuple[int, bytes]]]] = []
    for end in ("Complete", "Error"):
        caller = Thread(target=lambda: told.append(frames(real_hub, {"Capability": "Box10Stream"})))
        caller.start()
        hash = client.given(beacon)["WorkItemHash"]
        progress = {"Percent": 50, "Message": "half", "BinaryData": b64encode(b"middle").decode()}
        assert client.ask("POST", f"/Beacon/Work/{hash}/Progress", progress)[0] == 200
        report = {"Outputs": {"OutputData": b64encode(b"last").decode(), "n": 1}} if end == "Complete" else {"ErrorMessage": "broken"}
        assert client.ask("POST", f"/Beacon/Work/{hash}/{end}", report)[0] == 200
        caller.join(PATIENCE)
    (protocol, good), (_, bad) = told
    assert protocol == "binary-frames-v1"
    assert [kind for kind, _ in good] == [PROGRESS, INTERMEDIATE, FINAL, RESULT]
    assert (good[1][1], good[2][1], orjson.loads(good[3][1])["Outputs"]) == (b"middle", b"last", {"n": 1})
    assert (bad[-1][0], orjson.loads(bad[-1][1])["Error"]) == (ERROR, "broken")


def test_box_10_a_trigger_answers_with_the_bytes_and_says_which_run_it_was(real_hub: Running) -> None:
    client = real_hub.submitter()
    graph = operation(
        [node("w", "write-file", FilePath="a.bin", Content="AAEC", Encoding="base64"), node("s", "send-result", FilePath="a.bin")],
        ["start.Out>w.BeginWrite", "w.WriteComplete>s.Trigger"],
    )
    assert client.ask("POST", "/Operation", graph | {"Hash": "box-10"})[0] == 200
    line = HTTPConnection("127.0.0.1", real_hub.port, timeout=PATIENCE)
    line.request("POST", "/Operation/box-10/Trigger", b"{}", {"Content-Type": "application/json"})
    response = line.getresponse()
    assert (response.status, response.read()) == (200, b"\x00\x01\x02")
    assert response.getheader("Content-Type") == "application/octet-stream"
    assert response.getheader("X-Status") == "Complete"
    assert str(response.getheader("X-Run-Hash")).startswith("run-box-10-")
    assert float(str(response.getheader("X-Elapsed-Ms"))) >= 0
    line.close()


def test_box_13_runs_that_begin_together_have_hashes_of_their_own(real_hub: Running) -> None:
    client = real_hub.submitter()
    assert client.ask("POST", "/Operation", operation([node("end", "end")], ["start.Out>end.In"]) | {"Hash": "box-13"})[0] == 200
    status, told = client.ask("POST", "/Operation/Execute/Batch", {"Operations": [{"Hash": "box-13"}] * 200})
    assert (status, told["Errors"], len({run["RunHash"] for run in told["Runs"]})) == (200, [], 200)
    counted = "SELECT status, count(*) AS n FROM runs_run WHERE operation_hash = 'box-13' GROUP BY status"
    eventually(lambda: real_hub.rows.all(counted) == [{"status": "Complete", "n": 200}], 3 * PATIENCE)


def test_row_18_an_address_of_a_beacon_is_resolved_for_an_item(real_hub: Running) -> None:
    client = real_hub.submitter()
    contexts = {"Files": {"BaseURL": "http://10.0.0.7:80/files/", "BasePath": "/srv"}}
    client.register(
        "row-18", "Row18", Contexts=contexts, Operations=[operation([node("end", "end")], ["start.Out>end.In"]) | {"Hash": "row-18-brought"}]
    )
    graph = operation([node("r", "resolve-address", Address=">row-18/Files/a b/ü.bin")], ["start.Out>r.Resolve"])
    assert client.ask("POST", "/Operation", graph | {"Hash": "row-18"})[0] == 200
    _, run = client.ask("GET", "/Operation/row-18/Execute")
    assert run["TaskOutputs"]["r"]["URL"] == "http://10.0.0.7:80/files/a%20b/%C3%BC.bin", run
    brought = eventually(lambda: (found := client.ask("GET", "/Operation/row-18-brought"))[0] == 200 and found[1])
    assert (brought["SourceBeacon"], brought["SourceType"]) == ("row-18", "Beacon")


def test_row_19_a_beacon_that_the_operator_does_not_name_is_not_probed(real_hub: Running) -> None:
    client = real_hub.submitter()
    beacon = client.register("row-19", "Row19", BindAddresses=[{"IP": "127.0.0.1", "Port": real_hub.port, "Protocol": "http"}])
    status, told = client.ask("POST", "/Beacon/Reachability/Probe", {"BeaconIDs": [beacon], "waitMs": 20_000})
    assert (status, told["Asked"]) == (200, [beacon])
    (probe,) = [row["Probe"] for row in told["Beacons"] if row["BeaconID"] == beacon]
    assert (probe["Status"], probe["UnderWay"]) == ("untested", False)
    assert "UV_PROBE_ALLOW" in probe["Detail"]
