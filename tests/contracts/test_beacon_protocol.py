"""Both sides of the protocol, played from one table.

Side A: a client that does what the original's does, against our hub as it is served (gunicorn, Redis, Celery, beat), on each engine.
Side B: our beacon, against a hub that says what the original's says.
"""

from __future__ import annotations

import os
import signal
from threading import Thread

import pytest

from tests.beacon.conftest import StartBeacon
from tests.beacon.hub import Hub as ScriptedHub
from tests.beacon.socket_side import SocketSide
from tests.contracts.running import Running
from tests.contracts.scripted_client import OverHttp, OverSocket
from tests.contracts.scripted_hub import Transcript, hear, speak
from tests.contracts.transcript import TRANSCRIPT
from tests.services.processes import eventually

BOTH = pytest.mark.parametrize("road", ["socket", "http"])


@BOTH
def test_our_hub_plays_its_part(road: str, real_hub: Running, request: pytest.FixtureRequest) -> None:
    port = real_hub.port
    client: OverHttp | OverSocket = OverSocket(port) if road == "socket" else OverHttp(port)
    request.addfinalizer(client.close)
    submitter = OverHttp(port)
    done: list[str] = []
    for step in TRANSCRIPT:
        if step.who == "client":
            client.say(step.word, step.example)
            continue
        if step.word == "WorkItem":
            given = {name: step.example[name] for name in ("Capability", "Action", "Settings")}
            status, answer = submitter.ask("POST", "/Beacon/Work/Enqueue", given)
            assert status == 200
            done.append(answer["WorkItemHash"])
        step.judge(client.hear(step.word))
    good, bad = (eventually(lambda hash=hash: ended(submitter, hash)) for hash in done)
    assert (good["Status"], good["Result"]["Outputs"]["Result"], good["AccumulatedLog"]) == ("Complete", "ok", ["half way"])
    assert (bad["Status"], bad["LastError"]) == ("Error", "it broke")
    assert {good["AssignedBeaconID"], bad["AssignedBeaconID"]} == {client.beacon_id}


def ended(client: OverHttp, hash: str) -> dict[str, object] | None:
    item = client.ask("GET", f"/Beacon/Work/{hash}")[1]
    return item if item["Status"] in ("Complete", "Error") else None


def test_a_stranger_is_told_so_and_comes_back(real_hub: Running) -> None:
    client = OverHttp(real_hub.port)
    status, answer = client.ask("POST", "/Beacon/Work/Poll", {"BeaconID": "bcn-of-an-earlier-hub-1"})
    assert (status, answer["Code"]) == (401, "unauthenticated")
    assert client.ask("POST", "/Beacon/bcn-of-an-earlier-hub-1/Heartbeat", {})[0] == 401
    client.say("Register", TRANSCRIPT[0].example)
    client.hear("Registered")
    assert client.ask("POST", "/Beacon/Work/Poll", {"BeaconID": client.beacon_id}) == (200, {"WorkItem": None})
    client.say("Deregister", {})


def test_a_killed_web_process_costs_a_socket_and_no_work(real_hub: Running, request: pytest.FixtureRequest) -> None:
    client = OverSocket(real_hub.port)
    request.addfinalizer(client.close)
    client.say("Register", TRANSCRIPT[0].example)
    client.hear("Registered")
    hash = OverHttp(real_hub.port).ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Transcript", "Action": "Good"})[1]["WorkItemHash"]
    client.hear("WorkItem")
    for pid in real_hub.pids("web") - {real_hub.leader("web")}:
        os.kill(pid, signal.SIGKILL)
    assert client.wire.closed()[0] == 0
    again = eventually(lambda: reconnected(real_hub.port))
    request.addfinalizer(again.close)
    again.say("Register", TRANSCRIPT[0].example)
    again.hear("Registered")
    assert again.beacon_id == client.beacon_id
    again.work_item_hash = hash
    again.say("Complete", TRANSCRIPT[4].example)
    item = eventually(lambda: ended(OverHttp(real_hub.port), hash))
    assert (item["Status"], item["AttemptNumber"]) == ("Complete", 1)
    again.say("Deregister", {})
    again.hear("Deregistered")


def reconnected(port: int) -> OverSocket | None:
    try:
        return OverSocket(port)
    except OSError:
        return None


# Side B.


@pytest.fixture
def sockets(hub: ScriptedHub) -> SocketSide:
    hub.sockets = SocketSide()
    return hub.sockets


@BOTH
def test_our_beacon_plays_its_part(road: str, hub: ScriptedHub, start_beacon: StartBeacon, request: pytest.FixtureRequest) -> None:
    if road == "socket":
        request.getfixturevalue("sockets")
    provider = Transcript()
    provider.pass_.clear()
    beacon = start_beacon(provider, name="Transcript", max_concurrent=1, transport="auto", heartbeat_seconds=0.2)
    for step in TRANSCRIPT:
        if step.word == "Deregister":
            stopping = Thread(target=beacon.stop)
            stopping.start()
        if step.who == "hub":
            speak(hub, road, step)
        elif step.word == "Progress":
            step.judge(hear(hub, road, step))
            provider.pass_.set()
        else:
            step.judge(hear(hub, road, step))
    stopping.join()


def test_a_socket_that_ends_under_way_sends_the_report_over_http(hub: ScriptedHub, sockets: SocketSide, start_beacon: StartBeacon) -> None:
    provider = Transcript()
    provider.pass_.clear()
    start_beacon(provider, name="Transcript", transport="auto")
    hear(hub, "socket", TRANSCRIPT[0])
    speak(hub, "socket", TRANSCRIPT[1])
    speak(hub, "socket", TRANSCRIPT[2])
    hear(hub, "socket", TRANSCRIPT[3])
    sockets.refuse = True
    sockets.cut()
    provider.pass_.set()
    hub.wait(lambda: "wi-1" in hub.completed)


def test_a_refused_socket_is_tried_again_behind_the_work(hub: ScriptedHub, sockets: SocketSide, start_beacon: StartBeacon) -> None:
    sockets.refuse = True
    start_beacon(Transcript(), name="Transcript", transport="auto", poll_wait_ms=100)
    hub.wait(lambda: hub.of("Poll"))
    sockets.refuse = False
    hear(hub, "socket", TRANSCRIPT[0])
    speak(hub, "socket", TRANSCRIPT[1])
    speak(hub, "socket", TRANSCRIPT[2])
    assert hear(hub, "socket", TRANSCRIPT[4])["WorkItemHash"] == "wi-1"


def test_a_cancellation_over_the_socket_ends_the_work(hub: ScriptedHub, sockets: SocketSide, start_beacon: StartBeacon) -> None:
    provider = Transcript()
    provider.pass_.clear()
    start_beacon(provider, name="Transcript", transport="websocket")
    hear(hub, "socket", TRANSCRIPT[0])
    speak(hub, "socket", TRANSCRIPT[1])
    speak(hub, "socket", TRANSCRIPT[2])
    hear(hub, "socket", TRANSCRIPT[3])
    sockets.send({"EventType": "CancelWorkItem", "WorkItemHash": "wi-1"})
    assert "cancelled" in hear(hub, "socket", TRANSCRIPT[7])["ErrorMessage"]


def test_the_original_hub_gives_a_new_id_with_each_connection(hub: ScriptedHub, sockets: SocketSide, start_beacon: StartBeacon) -> None:
    start_beacon(Transcript(), name="Transcript", transport="websocket", heartbeat_seconds=0.2)
    for id in ("bcn-transcript-1", "bcn-transcript-2"):
        hear(hub, "socket", TRANSCRIPT[0])
        sockets.send({"EventType": "BeaconRegistered", "BeaconID": id})
        eventually(lambda id=id: hear(hub, "socket", TRANSCRIPT[5])["BeaconID"] == id)
        sockets.cut()
