"""The board, an item's health, why it waits, and what beacons can do: the same for every size of hub, by a fixed number of questions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.hub import questions, standing
from schema.hub.rules.health import health_of
from schema.hub.wire import work_item_record
from tasks.hub import probing
from tests.app.observer.conftest import Front
from tests.services.processes import eventually

BOARD_BUDGET = 6


def test_the_board_has_buckets_pages_and_history(front: Front, client: FlaskClient) -> None:
    hashes = front.enqueue(5)
    front.register()
    front.complete(hashes[0])
    board = front.get("/Beacon/Queue?include=history", budget=BOARD_BUDGET)
    assert {name: board["Summary"][name] for name in ("Upcoming", "InProgress", "Stalled", "Completed", "Errored")} == {
        "Upcoming": 3,
        "InProgress": 1,
        "Stalled": 0,
        "Completed": 1,
        "Errored": 0,
    }
    assert [item["WorkItemHash"] for item in board["Items"]] == hashes[::-1]
    assert [(item["WorkItemHash"], item["Bucket"]) for item in board["History"]] == [(hashes[0], "Completed")]
    assert [item["WorkItemHash"] for item in front.get("/Beacon/Queue?bucket=InProgress", budget=BOARD_BUDGET)["Items"]] == [hashes[1]]
    assert front.get("/Beacon/Queue?bucket=Stalled")["Items"] == []
    assert front.get("/Beacon/Queue?limit=99999")["History"] is None
    seen, path = [], "/Beacon/Queue?limit=2"
    while path:
        response = client.get(path)
        seen += [item["WorkItemHash"] for item in response.json["Items"]]
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == hashes[::-1]
    for query in ("bucket=Nowhere", "include=all", "limit=0", "after=x"):
        assert front.get(f"/Beacon/Queue?{query}", status=422)["Code"] == "invalid"


def test_a_first_attempt_is_healthy_and_stays_in_its_bucket(front: Front) -> None:
    front.register(HeartbeatIntervalMs=60_000)
    (hash,) = front.enqueue()
    front.post(f"/Beacon/Work/{hash}/Progress", Percent=1)
    item = front.get(f"/Beacon/Work/{hash}", budget=3)
    assert (item["HealthLabel"], item["Bucket"], item["Health"] > 0.9) == ("Healthy", "InProgress", True)
    told = front.get(f"/Beacon/Work/{hash}/Health", budget=3)
    assert [dimension["Name"] for dimension in told["Dimensions"]] == ["retry_burn", "timeout_proximity", "event_freshness"]
    assert told["Dimensions"][0] == {
        "Name": "retry_burn",
        "Score": 1.0,
        "Formula": "1 - (Tries - 1) / MaxAttempts",
        "Numbers": {"Tries": 1, "MaxAttempts": 1},
    }
    assert told["Health"] == min(dimension["Score"] for dimension in told["Dimensions"])


def test_contact_of_the_beacon_keeps_an_item_fresh(front: Front, transport: redis.Redis, worker_clock_ms: int) -> None:
    beacon = front.register(HeartbeatIntervalMs=500)
    (hash,) = front.enqueue()
    front.post(f"/Beacon/Work/{hash}/Progress", Percent=1)
    transport.hset("uv:presence:hub", beacon, worker_clock_ms + 600_000)
    told = front.get(f"/Beacon/Work/{hash}/Health")
    assert next(d["Numbers"]["SilentMs"] for d in told["Dimensions"] if d["Name"] == "event_freshness") == 0


def test_health_of_waiting_items_needs_something_to_compare_with(front: Front) -> None:
    (hash,) = front.enqueue()
    item = front.get(f"/Beacon/Work/{hash}", budget=3)
    assert (item["Health"], item["HealthLabel"], item["HealthReason"]) == (None, "Unknown", "insufficient_signal")
    front.register()
    front.complete(hash)
    for done in front.enqueue(5):
        front.complete(done)
    busy, waiting = front.enqueue(2)
    assert front.get(f"/Beacon/Work/{waiting}")["HealthReason"] in ("nominal", "queue_wait")
    assert front.get(f"/Beacon/Work/{hash}", budget=1)["HealthLabel"] == "Healthy"
    assert front.get(f"/Beacon/Work/{busy}")["HealthLabel"] in ("Unknown", "Healthy")


def test_why(front: Front) -> None:
    (lonely,) = front.enqueue(Capability="Nothing")
    first, second = front.enqueue(2)
    assert front.why(lonely) == ["!no_such_capability"]
    assert front.why(second) == ["!no_such_capability", "ahead_in_queue"]
    beacon = front.register()
    assert front.why(first) == ["running"]
    assert front.why(second) == ["!all_eligible_busy"]
    (pinned,) = front.enqueue(AffinityKey="ada")
    assert front.why(pinned) == ["!affinity_beacon_busy"]
    (strict,) = front.enqueue(AffinityKey="zoe", RequireAffinityMatch=True)
    assert front.why(strict) == ["!strict_affinity_unmet"]
    (late,) = front.enqueue(DelayMs=60_000)
    told = front.get(f"/Beacon/Work/{late}/Why")
    assert (told["Facts"][0]["Code"], 0 < told["Facts"][0]["Numbers"]["DueInMs"] <= 60_000) == ("delayed", True)
    running = front.get(f"/Beacon/Work/{first}/Why", budget=1)
    assert (running["Waiting"], running["Facts"][0]["Numbers"]["BeaconID"]) == (False, beacon)
    assert running["Facts"][0]["Numbers"]["TimeoutAt"] > running["Facts"][0]["Numbers"]["Since"]
    front.fail(first)
    ended = front.get(f"/Beacon/Work/{first}/Why")
    assert (ended["Facts"][0]["Code"], ended["Facts"][0]["Numbers"]["Outcome"], ended["Facts"][0]["Numbers"]["LastError"]) == (
        "ended",
        "Error",
        "bad",
    )
    assert front.get("/Beacon/Work/nothing/Why", status=404)["Code"] == front.get("/Beacon/Work/nothing/Health", status=404)["Code"]


def test_why_of_a_retry_and_of_a_permit(front: Front) -> None:
    front.register(slots=5)
    (again,) = front.enqueue(Settings={"maxRetries": 3, "retryBackoffMs": 60_000})
    front.fail(again)
    assert front.why(again) == ["!retry_pause"]
    _, second, third = front.enqueue(3, ConcurrencyKey="one")
    assert front.why(second) == ["!concurrency_limit"]
    assert front.why(third) == ["!concurrency_limit", "ahead_in_queue"]


def test_why_when_no_beacon_is_there(front: Front) -> None:
    beacon = front.register()
    with front.worker.kernel.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE hub_beacon SET status = 'Offline' WHERE beacon_id = '{beacon}'")
    (hash,) = front.enqueue()
    assert front.why(hash) == ["!no_beacon_online"]
    (pinned,) = front.enqueue(AffinityKey="ada")
    assert front.why(pinned) == ["!affinity_pinned_to_offline"]
    rows = front.get("/Observer/Snapshot", budget=10)["UpcomingQueue"]
    assert {row["WorkItemHash"]: row["BlockingReason"] for row in rows} == {hash: "no_eligible_beacon", pinned: "affinity_pinned_to_offline"}


def test_what_is_blocked_is_not_dispatched_and_what_is_not_blocked_is(front: Front) -> None:
    """The rule and the real dispatch, over a round of unlike items."""
    front.register("ada", slots=2)
    front.register("bob", ("File",), slots=1)
    wants = [
        {},
        {"Capability": "File"},
        {"AffinityKey": "bob"},
        {"AffinityKey": "k"},
        {"AffinityKey": "k", "RequireAffinityMatch": True},
        {"DelayMs": 9_000},
    ]
    hashes = [hash for want in wants for hash in front.enqueue(2, **want)]
    for hash in hashes:
        facts = front.get(f"/Beacon/Work/{hash}/Why")
        assert any(fact["Blocks"] for fact in facts["Facts"]) == facts["Waiting"], facts


def test_a_listed_item_is_the_item(front: Front, app: Flask) -> None:
    """Lists read rows by a road of their own; what they show is what the wire says."""
    front.register()
    done, failed, running, waiting = front.enqueue(4, Settings={"Command": "x", "n": [1, None]}, Metadata={"é": 1}, Priority=2)
    front.complete(done)
    front.fail(failed)
    front.post(f"/Beacon/Work/{running}/Progress", Percent=5, Log=["a"])
    for hash in (done, failed, running, waiting):
        with app.app_context():
            row = questions.item_by_hash("hub", hash)
            background = standing.background_of("hub", [row])
        told = work_item_record(row, health_of(background.signs_of(row)))
        shown = front.get(f"/Beacon/Work/{hash}")
        assert {name: value for name, value in shown.items() if name != "Health"} == {name: value for name, value in told.items() if name != "Health"}
        assert shown == next(item for item in front.get("/Beacon/Queue")["Items"] if item["WorkItemHash"] == hash) | {"Health": shown["Health"]}


@pytest.fixture
def worker_clock_ms(front: Front) -> int:
    return int(front.worker.kernel.now().timestamp() * 1000)


def schema(action: str, said: str, capability: str = "Shell") -> dict[str, object]:
    return {"Capability": capability, "Action": action, "Description": said, "SettingsSchema": [{"Name": said}]}


def test_the_catalog_knows_what_was_said_last_and_who_is_there(front: Front) -> None:
    assert front.get("/Beacon/Capabilities") == {"Capabilities": [], "BeaconCount": 0, "ActionCatalog": []}
    ada = front.register("ada", ("Shell", "File"), ActionSchemas=[schema("Execute", "old"), schema("Gone", "old"), {"Action": "nameless"}])
    bob = front.register("bob", ("Shell",), ActionSchemas=[schema("Execute", "new")])
    with front.worker.kernel.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE hub_beacon SET status = 'Offline' WHERE beacon_id = '{ada}'")
    told = front.get("/Beacon/Capabilities", budget=1)
    assert (told["Capabilities"], told["BeaconCount"]) == (["File", "Shell"], 2)
    execute, gone = told["ActionCatalog"]
    assert execute == schema("Execute", "new") | {"Available": True, "SourceBeacons": [ada, bob]}
    assert (gone["Action"], gone["Available"], gone["SourceBeacons"]) == ("Gone", False, [ada])
    assert front.get("/Beacon/Actions?Capability=Shell", budget=1)["Actions"] == [execute, gone]
    assert front.get("/Beacon/Actions?Capability=File")["Actions"] == []


def test_affinity_lists_what_has_stuck(front: Front) -> None:
    beacon = front.register(slots=3)
    assert front.get("/Beacon/Affinity") == [], "a beacon's own name is no binding"
    front.enqueue(2, AffinityKey="key", RunHash="r1")
    (binding,) = front.get("/Beacon/Affinity", budget=1)
    assert (binding["AffinityKey"], binding["BeaconID"], binding["RunHash"]) == ("key", beacon, "r1")
    assert binding["ExpiresAt"] > binding["CreatedAt"]


def test_reachability_says_who_listens(front: Front) -> None:
    ada = front.register("ada", BindAddresses=[{"IP": "10.0.0.1", "Port": 80, "Protocol": "https"}], HostID="h1")
    bob = front.register("bob")
    told = front.get("/Beacon/Reachability", budget=2)
    assert {pair: row["Status"] for pair, row in told["Matrix"].items()} == {f"{ada}::{bob}": "no-listener", f"{bob}::{ada}": "untested"}
    assert [(row["Name"], row["HasListener"], row["WSConnected"]) for row in told["Beacons"]] == [("ada", True, False), ("bob", False, False)]
    assert told["Hub"]["Name"] == "Ultravisor"


def test_a_probe_is_asked_for_and_its_result_is_told(front: Front) -> None:
    ada = front.register("ada", BindAddresses=[{"IP": "127.0.0.1", "Port": 1}])
    bob = front.register("bob")
    assert front.post("/Beacon/Reachability/Probe", 404, BeaconIDs=["nobody"])["Code"] == "not_found"
    told = front.post("/Beacon/Reachability/Probe", waitMs=0)
    assert told["Asked"] == [ada]
    assert told["Matrix"][f"{bob}::{ada}"]["UnderWay"] is True
    asked = {"BeaconIDs": [ada], "waitMs": 20_000}
    with ThreadPoolExecutor(1) as waiting:
        answer = waiting.submit(lambda: front.client.application.test_client().post("/Beacon/Reachability/Probe", json=asked).json)
        eventually(lambda: _probe(front) and answer.done())
        told = answer.result()
    pair = told["Matrix"][f"{bob}::{ada}"]
    assert (pair["Status"], pair["UnderWay"], pair["ProbeURL"]) == ("untested", False, "http://127.0.0.1:1/")
    assert "UV_PROBE_ALLOW" in pair["Detail"]
    assert pair["LastProbed"]


def _probe(front: Front) -> bool:
    """What the task does for all that was asked for by now."""
    probing.probe_all(front.worker.kernel, [row["BeaconID"] for row in front.get("/Beacon")])
    return True
