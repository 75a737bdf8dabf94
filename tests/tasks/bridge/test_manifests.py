"""A run is a row over there: as it is while it is under way, whole once it has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schema.bridge.commands import SetRetention, SweepTarget, Verify
from schema.runs.commands import StartOperation
from tests.schema.runs.graphs import node, operation
from tests.tasks.bridge.conftest import Bridge
from tests.tasks.runs.conftest import House, houses  # noqa: F401 - a fixture
from tests.tasks.runs.test_runs import LINE, SUM, lab

ASKS = operation([node("ask", "value-input", PromptMessage="How much?", OutputAddress="Operation.n")], ["start.Out>ask.RequestInput"])


@pytest.fixture
def house(database_url: str, houses: Callable[..., House]) -> House:  # noqa: F811 - the fixture
    return houses(database_url)


@pytest.fixture
def bridge(house: House, target_url: str) -> Bridge:
    found = Bridge(house, target_url)
    found.connection = found.know(target_url, "target")
    return found


def rows(bridge: Bridge) -> dict[str, Any]:
    found = bridge.there(f"SELECT * FROM {bridge.table('UVManifest')} WHERE {bridge.column('Deleted')} = 0")
    return {row._mapping["Hash"]: row._mapping for row in found}


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql", "mariadb"], indirect=True)
def test_a_run_is_one_row_that_follows_it_to_its_end(bridge: Bridge, house: House) -> None:
    house.save(SUM)
    house.done(StartOperation(hub="h", run_hash="run-old", operation_hash="op", parameters={"n": 2}))
    bridge.assign()
    bridge.mirror()
    old = rows(bridge)["run-old"]
    assert (old["Status"], old["OperationHash"], bool(old["Live"])) == ("Complete", "op", False)
    blob = orjson.loads(old["ManifestJSON"])
    assert blob["Output"] == {"sum": 42}
    assert [line["EventName"] for line in blob["EventLog"]][-1] == "ExecutionComplete"
    beacon = lab(house)
    run = house.started({**LINE, "Hash": "line"})
    bridge.mirror()
    live = rows(bridge)[run]
    assert (live["Status"], bool(live["Live"]), live["StopTime"]) == ("In Progress", True, "")
    for _ in range(2):
        (offer,) = house.inbox(beacon)
        house.done(house.complete(offer["WorkItemHash"], beacon, 1, Result="one"))
        house.flush()
    bridge.mirror()
    ended = rows(bridge)[run]
    assert (ended["Status"], bool(ended["Live"]), ended["CreatingUser"]) == ("Complete", False, "anonymous:")
    assert ended["StopTime"].endswith("Z")
    assert orjson.loads(ended["ManifestJSON"])["TaskOutputs"]["a"]["Result"] == "one"
    assert len(rows(bridge)) == 2
    verified = bridge.asked(Verify(hub="h", connection=bridge.connection))
    assert verified["Equal"], verified
    assert verified["Tables"]["UVManifest"]["Rows"] == {"Hub": 2, "Database": 2}


@pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
def test_a_database_from_before_there_were_manifests_is_given_them(bridge: Bridge, house: House) -> None:
    house.save(SUM)
    bridge.assign()
    house.done(StartOperation(hub="h", run_hash="run-1", operation_hash="op", parameters={"n": 2}))
    house.enqueue(3)
    bridge.mirror()
    bridge.write_there("DROP TABLE UVManifest")
    counts = orjson.loads(bridge.there("SELECT counts FROM ultravisor_mirror")[0][0])
    del counts["UVManifest"]
    bridge.write_there("UPDATE ultravisor_mirror SET counts = :c", c=orjson.dumps(counts).decode())
    house.enqueue(2)
    bridge.mirror()
    assert set(rows(bridge)) == {"run-1"}
    bridge.agree()
    assert bridge.asked(Verify(hub="h", connection=bridge.connection))["Equal"]


@pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
def test_a_long_history_comes_with_the_end(bridge: Bridge, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.bridge.records.LIVE_EVENTS", 1)
    house.save({**ASKS, "Hash": "asks"})
    bridge.assign()
    run = house.start("asks")
    bridge.mirror()
    live = rows(bridge)[run]
    assert (live["Status"], orjson.loads(live["ManifestJSON"])["EventLog"]) == ("Waiting", [])
    assert "ask" in orjson.loads(live["ManifestJSON"])["WaitingTasks"]
    house.done(house.answer(run, "ask", 3))
    bridge.mirror()
    ended = orjson.loads(rows(bridge)[run]["ManifestJSON"])
    assert [line["Seq"] for line in ended["EventLog"]] == list(range(1, len(ended["EventLog"]) + 1))
    assert ended["Status"] == "Complete"


@pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
def test_runs_go_when_they_have_been_kept_long_enough(bridge: Bridge, house: House) -> None:
    house.save(SUM)
    house.save({**ASKS, "Hash": "asks"})
    bridge.assign()
    house.done(StartOperation(hub="h", run_hash="run-1", operation_hash="op", parameters={"n": 2}))
    asking, given_up = house.start("asks"), house.start("asks")
    house.done(house.abandon(given_up))
    bridge.mirror()
    bridge.carry_out(SetRetention(hub="h", retention_days=30, cancelled_retention_days=2))
    house.clock.ahead = timedelta(days=10)
    dry = bridge.asked(SweepTarget(hub="h", connection=bridge.connection, dry=True))
    assert (dry["Manifests"], len(rows(bridge))) == (1, 3)
    assert bridge.asked(SweepTarget(hub="h", connection=bridge.connection))["Deleted"]["UVManifest"] == 1
    assert set(rows(bridge)) == {"run-1", asking}
    assert bridge.asked(Verify(hub="h", connection=bridge.connection))["Equal"]
    house.clock.ahead = None
