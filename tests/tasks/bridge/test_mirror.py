"""Whatever a hub stores is a row over there, whatever goes down in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from schema import envelope as keys
from schema.bridge.sources import SOURCES
from schema.hub.commands import CancelWork
from tasks.bridge import reading
from tasks.unit import look
from tests.tasks.bridge.conftest import Bridge

ONLY_SQLITE = pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)


def test_what_was_there_is_copied_and_what_happens_then_follows(bridge: Bridge) -> None:
    ada = bridge.hub.register("ada", slots=5)
    bridge.hub.enqueue(20, settings={"deep": {"er": [1, "two", None]}})
    bridge.assign()
    assert bridge.state == "waiting-for-beacon"
    bridge.mirror()
    assert bridge.state == "bootstrapped"
    bridge.agree()
    held = [offer["WorkItemHash"] for offer in bridge.hub.inbox(ada)]
    bridge.hub.done(*[bridge.hub.complete(hash, ada, 1, answer={"n": 42}) for hash in held])
    bridge.hub.enqueue(5)
    bridge.mirror()
    bridge.agree()
    moves = [tuple(row) for row in bridge.hub.rows("SELECT happening, to_state FROM bridge_event ORDER BY id")]
    assert moves == [("assigned", "waiting-for-beacon"), ("begun", "bootstrapping"), ("ready", "bootstrapped")]


def test_nothing_of_an_item_is_lost_on_the_way(bridge: Bridge) -> None:
    bridge.assign()
    ada = bridge.hub.register("ada")
    settings = {"text": 'ä "quoted" \\ €', "list": [1, 2.5, {"k": None}]}
    (hash,) = bridge.hub.enqueue(
        settings=settings, metadata={"by": "test"}, priority=3, submitter_tag='tag "x"', concurrency_key="k", concurrency_limit=2
    )
    bridge.hub.done(bridge.hub.complete(hash, ada, 1, deep={"a": [1]}))
    bridge.mirror()
    c = bridge.column
    (row,) = bridge.there(f"SELECT * FROM {bridge.table('UVQueueWorkItem')}")
    found = row._mapping
    assert len([name for name in found if name not in ("UltravisorInstanceID", "CreatingUser", "UpdatingUser", "Extra")]) == 38
    assert json.loads(found["Settings"]) == settings
    assert json.loads(found["Result"])["Outputs"] == {"deep": {"a": [1]}}
    extra = json.loads(found["Extra"])
    assert (extra["Metadata"], extra["SubmitterTag"], extra["ConcurrencyKey"], extra["ConcurrencyLimit"]) == ({"by": "test"}, 'tag "x"', "k", 2)
    assert (found["UltravisorInstanceID"], found["Status"], found["Priority"], found["Deleted"]) == ("h", "Complete", 3, 0)
    assert (found["CreatingUser"], found["UpdatingUser"]) == ("anonymous:", "anonymous:")
    item = bridge.hub.item(hash)
    assert found["AssignedBeaconID"] == item.assigned_beacon_id
    assert found["EnqueuedAt"].endswith("Z")
    (attempt,) = bridge.there(f"SELECT {c('Outcome')}, {c('Extra')} FROM {bridge.table('UVQueueWorkItemAttempt')}")
    assert (attempt[0], json.loads(attempt[1])["Log"]) == ("Complete", ["done"])


def test_a_row_that_changes_a_hundred_times_is_brought_once(bridge: Bridge, statements: Any) -> None:
    bridge.assign()
    bridge.mirror()
    ada = bridge.hub.register("ada")
    (hash,) = bridge.hub.enqueue()
    for _ in range(100):
        bridge.hub.done(bridge.hub.progress(hash, ada, 1, percent=5))
    position = int(bridge.hub.rows("SELECT count(*) FROM ledger_change WHERE source = 'hub_work_item'")[0][0])
    assert position == 1
    bridge.mirror()
    bridge.agree()


def test_a_full_hour_without_the_database_gathers_nothing_and_is_made_good(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.assign()
    bridge.mirror()
    with monkeypatch.context() as patch:
        patch.setattr("tasks.bridge.landing.Landing.store", _away)
        patch.setattr("tasks.bridge.landing.Landing.read_mark", _away)
        for _ in range(30):
            bridge.hub.enqueue(3)
            bridge.mirror()
            bridge.unhold()
        assert bridge.state == "waiting-for-beacon"
        assert "gone" in bridge.error
    bridge.mirror()
    assert (bridge.state, bridge.error) == ("bootstrapped", "")
    bridge.agree()
    assert bridge.hub.kernel.redis.llen(keys.wake(bridge.reader)) <= 1


def _away(*_: Any) -> Any:
    raise sa.exc.OperationalError("SELECT 1", {}, Exception("the server is gone"), connection_invalidated=True)


def test_while_it_is_held_nothing_is_tried(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.assign()
    with monkeypatch.context() as patch:
        patch.setattr("tasks.bridge.landing.Landing.read_mark", _away)
        bridge.mirror()
    assert bridge.hub.kernel.redis.pttl(keys.hold(bridge.reader)) > 0
    assert bridge.swept() == []
    bridge.mirror()
    assert bridge.state == "waiting-for-beacon"
    bridge.assign()
    bridge.mirror()
    assert bridge.state == "bootstrapped", "who assigns again has it tried at once"


def test_a_lost_call_is_made_good_by_the_sweep(bridge: Bridge) -> None:
    bridge.assign()
    bridge.mirror()
    bridge.swept()
    assert bridge.swept() == []
    bridge.hub.enqueue()
    bridge.hub.kernel.redis.delete(keys.wake(bridge.reader), keys.bell(bridge.reader))
    assert bridge.swept() == [bridge.reader]
    bridge.mirror()
    bridge.agree()
    assert bridge.swept() == []
    bridge.hub.kernel.redis.flushall()
    assert bridge.swept() == [bridge.reader], "a new broker knows nothing"


def test_two_hubs_share_a_database_and_neither_sees_the_other(bridge: Bridge) -> None:
    bridge.assign()
    bridge.hub.enqueue(2)
    bridge.mirror()
    bridge.clear()
    other = Bridge(bridge.hub, bridge.url, bridge.connection)
    with bridge.hub.kernel.engine.begin() as control:
        for table in ("hub_work_item", "hub_work_event", "hub_tally", "gateway_connection"):
            control.execute(sa.text(f"UPDATE {table} SET hub = 'other'"))
    try:
        bridge.hub.id = "other"
        other.assign()
        other.mirror()
    finally:
        bridge.hub.id = "h"
    c = bridge.column
    counts = bridge.there(f"SELECT {c('UltravisorInstanceID')}, count(*) FROM {bridge.table('UVQueueWorkItem')} GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in counts] == [("h", 2), ("other", 2)]


def test_another_connection_gets_everything_and_the_first_one_goes_on_where_it_was(bridge: Bridge, tmp_path: Path) -> None:
    first = bridge.connection
    (tmp_path / "databases").mkdir(exist_ok=True)
    second_url = f"sqlite:///{tmp_path / 'databases' / 'second.db'}"
    second = bridge.know(second_url, "second")
    bridge.assign()
    bridge.hub.enqueue(3)
    bridge.mirror()
    bridge.assign(second)
    assert bridge.state == "waiting-for-beacon"
    bridge.hub.enqueue(2)
    bridge.mirror()
    assert bridge.there("SELECT count(*) FROM UVQueueWorkItem", second_url)[0][0] == 5
    assert bridge.there(f"SELECT count(*) FROM {bridge.table('UVQueueWorkItem')}")[0][0] == 3
    bridge.assign(first)
    bridge.mirror()
    bridge.agree()


def test_cleared_means_that_nothing_more_arrives_and_assigned_again_that_nothing_is_missing(bridge: Bridge) -> None:
    bridge.assign()
    bridge.hub.enqueue(3)
    bridge.clear()
    bridge.mirror()
    assert bridge.state == "unassigned"
    bridge.settle()
    assert bridge.hub.rows("SELECT * FROM ledger_change") == []
    bridge.hub.enqueue(2)
    assert bridge.hub.rows("SELECT * FROM ledger_change") == []
    bridge.assign()
    bridge.mirror()
    bridge.agree()


def test_a_database_restored_from_a_backup_is_filled_up_from_its_own_mark(bridge: Bridge) -> None:
    bridge.assign()
    bridge.hub.enqueue(4)
    bridge.mirror()
    c = bridge.column
    kept = bridge.there("SELECT * FROM ultravisor_mirror")[0]._mapping
    ada = bridge.hub.register("ada", slots=9)
    bridge.hub.done(*[bridge.hub.complete(o["WorkItemHash"], ada, 1) for o in bridge.hub.inbox(ada)])
    bridge.hub.enqueue(3)
    bridge.mirror()
    bridge.agree()
    # What the backup did not have: later rows, later states, the later mark.
    bridge.write_there(f"DELETE FROM {bridge.table('UVQueueWorkItemAttempt')}")
    bridge.write_there(f"DELETE FROM {bridge.table('UVQueueWorkItemEvent')} WHERE {c('Seq')} > 1")
    bridge.write_there(f"UPDATE {bridge.table('UVQueueWorkItem')} SET {c('Status')} = 'Pending'")
    bridge.write_there("UPDATE ultravisor_mirror SET position = :p, counts = :c", p=kept["position"], c=kept["counts"])
    bridge.hub.kernel.redis.delete(f"{keys.mirror('h')}:looked")
    assert bridge.swept() == [bridge.reader]
    bridge.mirror()
    bridge.agree()


def test_an_item_that_is_canceled_after_it_was_brought_is_canceled_there(bridge: Bridge) -> None:
    bridge.assign()
    (hash,) = bridge.hub.enqueue()
    bridge.mirror()
    bridge.hub.done(CancelWork(hub="h", work_item_hash=hash, reason="no more"))
    bridge.mirror()
    (row,) = bridge.there(f"SELECT {bridge.column('Status')}, {bridge.column('CancelReason')} FROM {bridge.table('UVQueueWorkItem')}")
    assert tuple(row) == ("Canceled", "no more")
    bridge.agree()


@ONLY_SQLITE
def test_the_counts_that_are_told_are_those_of_the_tables(bridge: Bridge) -> None:
    bridge.hub.enqueue(7)
    bridge.assign()
    bridge.mirror()
    bridge.hub.enqueue(5)
    bridge.mirror()
    told = json.loads(bridge.hub.kernel.redis.hget(keys.mirror("h"), "counts"))
    for name, count in told.items():
        assert bridge.there(f"SELECT count(*) FROM {name}")[0][0] == count
    assert told["UVQueueWorkItem"] == 12


@ONLY_SQLITE
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("begins", ["first", "later"])
def test_a_page_of_what_was_there_is_read_in_order_and_not_sorted(bridge: Bridge, statements: Any, name: str, begins: str) -> None:
    source, engine = SOURCES[name], bridge.hub.kernel.engine
    after = "" if begins == "first" else "/".join("12"[: len(source.key)])
    made = statements(engine)
    with look(engine) as control:
        reading.page_of(control, source, bridge.hub.id, after, 10)
        (text,) = [text for text in made if text.startswith("SELECT")]
        plan = [row[3] for row in control.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("",) * text.count("?"))]
    assert len(plan) == 1, "all rows of the hub are sorted for each page"
