"""What beacons of the original must find: boxes 2 to 8 of docs/concepts/compatibility.md, on a running hub, on each engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import pytest

from tests.app.sockets.client import Client
from tests.architecture.house import ROOT
from tests.contracts.running import ENDED, Running, Submitter
from tests.services.processes import PATIENCE, Process, eventually

Closing = Callable[[Client], Client]


@pytest.fixture
def closing(request: pytest.FixtureRequest) -> Closing:
    """Sockets that end with the test."""

    def keep(client: Client) -> Client:
        request.addfinalizer(client.cut)
        return client

    return keep


def pushed(client: Client) -> dict[str, Any]:
    return dict(client.next("WorkItem")["WorkItem"])


def test_box_02_chunked_bodies_json_in_every_answer_and_a_delete_without_a_body(real_hub: Running) -> None:
    client = real_hub.submitter()
    id = client.register("box-02", "Box02")  # its body is chunked and has no length
    assert client.ask("DELETE", f"/Beacon/{id}")[1] == {"Status": "Deregistered", "BeaconID": id}
    asked = [("GET", "/nothing"), ("PATCH", "/Beacon"), ("POST", "/Beacon/Register"), ("GET", "/Beacon/Work/none"), ("DELETE", f"/Beacon/{id}")]
    for method, path in asked:
        line = HTTPConnection("127.0.0.1", real_hub.port, timeout=PATIENCE)
        line.request(method, path, b"{" if method == "POST" else None, {"Content-Type": "application/json"})
        response = line.getresponse()
        response.read()
        assert (response.status >= 400, response.getheader("Content-Type")) == (True, "application/json"), (method, path)
        line.close()


def test_box_03_a_killed_hub_finds_its_beacons_again_on_both_roads(own_hub: Running, launch: Callable[..., Process]) -> None:
    for transport in ("http", "websocket"):
        options = ["--name", transport, "--transport", transport, "--provider", "Synthetic", "--synthetic-duration-ms", "10"]
        launch(sys.executable, "-m", "beacon", "--server", f"http://127.0.0.1:{own_hub.port}", *options, cwd=ROOT)
    client = own_hub.submitter()
    eventually(lambda: {beacon["Name"] for beacon in client.ask("GET", "/Beacon")[1]} >= {"http", "websocket"})
    known = {beacon["Name"]: beacon["BeaconID"] for beacon in client.ask("GET", "/Beacon")[1] if beacon["Name"] in ("http", "websocket")}
    own_hub.end()
    own_hub.process = own_hub.another()
    own_hub.start()
    again = own_hub.submitter()
    for name in known:
        hash = again.enqueue(Capability="Synthetic", Action="Process", AffinityKey=name, RequireAffinityMatch=True)
        item = again.becomes(hash, *ENDED)
        assert (item["Status"], item["AssignedBeaconID"]) == ("Complete", known[name])


def test_box_03_an_unknown_beacon_id_is_answered_401_which_brings_the_original_back(real_hub: Running) -> None:
    client = real_hub.submitter()
    assert client.ask("POST", "/Beacon/Work/Poll", {"BeaconID": "bcn-box-03-1"})[0] == 401
    assert client.ask("POST", "/Beacon/bcn-box-03-1/Heartbeat", {})[0] == 401


def test_box_04_the_newest_of_two_connections_wins_keeps_the_id_and_the_old_close_means_nothing(real_hub: Running, closing: Closing) -> None:
    old, new = closing(real_hub.socket()), closing(real_hub.socket())
    client = real_hub.submitter()
    id = old.register("box-04", ("Box04",))
    assert new.register("box-04", ("Box04",)) == id
    assert old.closed()[0] == 4409
    hash = client.enqueue(Capability="Box04")
    assert pushed(new)["WorkItemHash"] == hash
    new.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    item = client.becomes(hash, *ENDED)
    assert (item["Status"], item["AttemptNumber"], item["AssignedBeaconID"]) == ("Complete", 1, id)


@pytest.fixture
def stock(real_hub: Running, request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    """A capability with six waiting items, and their hashes in the order in which they must go: by priority, then by age."""
    capability = f"Box05-{request.node.callspec.id}"
    client = real_hub.submitter()
    hashes = {(priority, number): client.enqueue(Capability=capability, Priority=priority) for number, priority in enumerate([0, 5, 0, 9, 5, 0])}
    return capability, [hashes[place] for place in sorted(hashes, key=lambda place: (-place[0], place[1]))]


def test_box_05_pushes_never_exceed_max_concurrent_and_come_in_order(real_hub: Running, closing: Closing, stock: tuple[str, list[str]]) -> None:
    capability, expected = stock
    beacon, client = closing(real_hub.socket()), real_hub.submitter()
    beacon.register(f"pushed-{capability}", (capability,), MaxConcurrent=2)
    given = [pushed(beacon)["WorkItemHash"] for _ in range(2)]
    while len(given) < len(expected):
        assert held(client, expected) == 2
        beacon.say(Action="WorkComplete", WorkItemHash=given[-2], Outputs={}, Log=[], RequestID=given[-2])
        given.append(pushed(beacon)["WorkItemHash"])
    assert given == expected


def test_box_05_one_poll_is_one_item_and_they_come_in_order(real_hub: Running, stock: tuple[str, list[str]]) -> None:
    capability, expected = stock
    client = real_hub.submitter()
    id = client.register(f"polled-{capability}", capability, MaxConcurrent=2)
    given = []
    for _ in expected:
        item = client.given(id)
        assert held(client, expected) <= 2
        given.append(item["WorkItemHash"])
        assert client.ask("POST", f"/Beacon/Work/{item['WorkItemHash']}/Complete", {"Outputs": {}, "Log": []})[0] == 200
    assert (given, client.poll(id)) == (expected, None)


def held(client: Submitter, hashes: list[str]) -> int:
    return sum(client.item(hash)["Status"] == "Running" for hash in hashes)


def test_box_06_push_poll_and_tick_are_one_dispatch(real_hub: Running, closing: Closing) -> None:
    """One status, one attempt counter, one event, one attempt row: what the rows say does not tell which road the item took."""
    client, beacon = real_hub.submitter(), closing(real_hub.socket())
    beacon.register("box-06-push", ("Box06Push",), MaxConcurrent=9)
    polling = client.register("box-06-poll", "Box06Poll", MaxConcurrent=9)
    by_push = client.enqueue(Capability="Box06Push")
    by_tick = client.enqueue(Capability="Box06Push", DelayMs=200)
    by_poll = client.enqueue(Capability="Box06Poll")
    assert [pushed(beacon)["WorkItemHash"] for _ in range(2)] == [by_push, by_tick]
    assert client.given(polling)["WorkItemHash"] == by_poll
    for hash in (by_push, by_tick, by_poll):
        item = real_hub.row(hash)
        assert (item["status"], item["attempt_number"]) == ("Running", 1)
        told = [event for event in real_hub.events(hash) if event["event_type"] == "dispatched"]
        assert [(event["from_status"], event["to_status"], event["beacon_id"]) for event in told] == [
            ("Pending", "Running", item["assigned_beacon_id"])
        ]
        rows = [(row["attempt_number"], row["beacon_id"], row["outcome"]) for row in real_hub.attempts(hash)]
        assert rows == [(1, item["assigned_beacon_id"], "Running")]


def test_box_07_an_item_stalls_with_its_beacons_silence_and_goes_on_with_its_contact(real_hub: Running) -> None:
    client = real_hub.submitter()
    id = client.register("box-07-stall", "Box07Stall", HeartbeatIntervalMs=1_000)
    hash = client.enqueue(Capability="Box07Stall")
    client.given(id)
    client.becomes(hash, "Stalled")
    client.ask("POST", f"/Beacon/{id}/Heartbeat", {})
    client.becomes(hash, "Running")
    assert client.ask("POST", f"/Beacon/Work/{hash}/Complete", {"Outputs": {}, "Log": []})[0] == 200
    assert (client.item(hash)["Status"], client.item(hash)["AttemptNumber"]) == ("Complete", 1)


def test_box_07_a_silent_job_is_no_stalled_job_while_its_beacon_is_heard(real_hub: Running, closing: Closing) -> None:
    """The connection's own pings are contact enough, and no progress is needed."""
    client, beacon = real_hub.submitter(), closing(real_hub.socket())
    beacon.register("box-07-silent", ("Box07Silent",), HeartbeatIntervalMs=600_000)
    hash = client.enqueue(Capability="Box07Silent")
    pushed(beacon)
    other = client.register("box-07-witness", "Box07Witness", HeartbeatIntervalMs=1_000)
    witness = client.enqueue(Capability="Box07Witness")
    client.given(other)
    client.becomes(witness, "Stalled")  # so the clock has looked at everybody
    assert client.item(hash)["Status"] == "Running"


def test_box_07_the_timeout_is_honoured(real_hub: Running) -> None:
    client = real_hub.submitter()
    id = client.register("box-07-timeout", "Box07Timeout")
    hash = client.enqueue(Capability="Box07Timeout", TimeoutMs=300)
    client.given(id)
    assert client.becomes(hash, *ENDED)["Status"] == "Error"
    assert [row["outcome"] for row in real_hub.attempts(hash)] == ["Timeout"]
    assert client.ask("POST", f"/Beacon/Work/{hash}/Complete", {"Outputs": {}, "Log": []})[0] == 409


def test_box_07_a_retry_waits_for_its_backoff_and_runs(real_hub: Running, closing: Closing) -> None:
    client, beacon = real_hub.submitter(), closing(real_hub.socket())
    beacon.register("box-07-retry", ("Box07Retry",))
    hash = client.enqueue(Capability="Box07Retry", Settings={"maxRetries": 2, "retryBackoffMs": 400})
    pushed(beacon)
    beacon.say(Action="WorkError", WorkItemHash=hash, ErrorMessage="not yet", Log=[])
    assert client.becomes(hash, "RetryScheduled")["RetryAfter"]
    assert pushed(beacon)["AttemptNumber"] == 2
    beacon.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    client.becomes(hash, "Complete")
    assert [row["outcome"] for row in real_hub.attempts(hash)] == ["Error", "Complete"]


def test_box_07_cancel_answers_the_caller_who_waits_and_frees_the_slot(real_hub: Running, closing: Closing) -> None:
    client, beacon = real_hub.submitter(), closing(real_hub.socket())
    beacon.register("box-07-cancel", ("Box07Cancel",))
    told: list[tuple[int, Any]] = []
    waiting = Thread(target=lambda: told.append(real_hub.submitter().ask("POST", "/Beacon/Work/Dispatch", {"Capability": "Box07Cancel"})))
    waiting.start()
    hash = pushed(beacon)["WorkItemHash"]
    assert client.ask("POST", f"/Beacon/Work/{hash}/Cancel", {"Reason": "enough", "GraceMs": 200})[1]["CancelRequested"] is True
    assert beacon.next("CancelWorkItem")["WorkItemHash"] == hash
    waiting.join(PATIENCE)
    ((status, answer),) = told
    assert (status, answer["Success"], answer["Status"], "enough" in answer["Error"]) == (500, False, "Canceled", True)
    following = client.enqueue(Capability="Box07Cancel")
    assert pushed(beacon)["WorkItemHash"] == following


@pytest.mark.parametrize("action", ["WorkComplete", "WorkError", "WorkProgress", "WorkResultUpload", "Deregister"])
def test_box_08_nobody_reports_for_another(real_hub: Running, closing: Closing, action: str) -> None:
    holder, other, client = closing(real_hub.socket()), closing(real_hub.socket()), real_hub.submitter()
    id = holder.register("box-08-holder", ("Box08",))
    other.register("box-08-other", ("Other08",))
    hash = client.enqueue(Capability="Box08")
    pushed(holder)
    about = {"BeaconID": id} if action == "Deregister" else {"WorkItemHash": hash}
    other.say(
        Action=action, **about, Outputs={}, ErrorMessage="x", Log=[], ProgressData={"Percent": 1}, OutputFilename="f", OutputSize=3, RequestID=1
    )
    if action == "WorkResultUpload":
        other.raw(b"abc", opcode=2)
        assert other.until(lambda frame: frame.get("Action") == "WorkResultUploadAck")["Success"] is False
    else:
        assert other.until(lambda frame: frame.get("RequestID") == 1)["EventType"] == "Error"
    item = client.item(hash)
    assert (item["Status"], item["AssignedBeaconID"], bool(item["Progress"])) == ("Running", id, False)
    assert client.ask("GET", f"/Beacon/{id}")[0] == 200
    holder.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    client.becomes(hash, "Complete")


@pytest.mark.parametrize("report", ["Complete", "Error", "Progress"])
def test_box_08_nobody_reports_for_another_over_http(real_hub: Running, report: str) -> None:
    holder, other = real_hub.submitter(), real_hub.submitter()  # each with a login of its own
    id = holder.register("box-08-http", "Box08Http")
    other.register("box-08-http-other", "Other08")
    hash = holder.enqueue(Capability="Box08Http")
    holder.given(id)
    assert other.ask("POST", f"/Beacon/Work/{hash}/{report}", {})[0] == 409
    assert holder.item(hash)["Status"] == "Running"
    assert holder.ask("POST", f"/Beacon/Work/{hash}/Complete", {})[0] == 200


def test_box_08_malformed_frames_end_no_process(real_hub: Running, closing: Closing) -> None:
    before = real_hub.pids("web")
    client = closing(real_hub.socket())
    for bad in (b"null", b'{"Action": "BeaconRegister", "Name": 7, "Capabilities": []}', b"\xff", b"[" * 50_000):
        client.raw(bad)
        assert client.next("Error")["Error"]
    assert client.register("box-08-frames", ("Box08Frames",))
    assert real_hub.pids("web") == before
