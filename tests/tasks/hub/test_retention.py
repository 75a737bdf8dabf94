"""What the hub keeps of work that has ended, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from schema.content.tables import blob
from schema.hub.commands import AttachArtifact, CancelWork, EndRun, RequeueWork, RetainWork, StartRun
from schema.outcome import Done
from schema.settings import Settings
from tasks.hub import retain
from tasks.kernel import clock
from tasks.worker import retaining
from tests.tasks.hub.conftest import Hub

DAYS = {"days": 30, "canceled_days": 7, "failed_days": 0}
OLD = timedelta(days=31)
TABLES = ("hub_work_item", "hub_work_event", "hub_work_attempt", "hub_artifact", "hub_run")


def retain_now(hub: Hub, ahead: timedelta = OLD, **days: int) -> None:
    """One whole pass, as beat causes it."""
    hub.clock.ahead = ahead
    hub.done(RetainWork(hub=hub.id, **(DAYS | days)))


def end(hub: Hub, how: str, **more: Any) -> str:
    """An item that has ended in that way."""
    (hash,) = hub.enqueue(**more)
    deed = {
        "Complete": lambda: hub.complete(hash),
        "Error": lambda: hub.fail(hash),
        "Canceled": lambda: CancelWork(hub=hub.id, work_item_hash=hash, reason="", grace_ms=0),
    }[how]
    hub.done(deed())
    if how == "Canceled":
        hub.do(hub.complete(hash))
    assert hub.item(hash).status == how
    return hash


def kept(hub: Hub) -> set[str]:
    return {row[0] for row in hub.rows("SELECT work_item_hash FROM hub_work_item")}


def count(hub: Hub, table: str) -> int:
    return int(hub.rows(f"SELECT count(*) FROM {table}")[0][0])


@pytest.fixture
def busy(hub: Hub) -> Hub:
    hub.register("ada", slots=1_000)
    return hub


def test_an_old_item_goes_with_all_that_belongs_to_it(busy: Hub) -> None:
    end(busy, "Complete")
    retain_now(busy)
    assert {table: count(busy, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize(("how", "days"), [("Complete", 30), ("Canceled", 7)])
def test_each_way_to_end_has_its_days(busy: Hub, how: str, days: int) -> None:
    hash = end(busy, how)
    retain_now(busy, timedelta(days=days, minutes=-1))
    assert kept(busy) == {hash}
    retain_now(busy, timedelta(days=days, minutes=1))
    assert kept(busy) == set()


def test_what_can_be_queued_again_stays_unless_the_operator_says_otherwise(busy: Hub) -> None:
    hash = end(busy, "Error")
    retain_now(busy, timedelta(days=4_000))
    assert kept(busy) == {hash}
    retain_now(busy, timedelta(days=91), failed_days=90)
    assert kept(busy) == set()


def test_nothing_goes_where_nothing_is_to_go(busy: Hub) -> None:
    hashes = {end(busy, how) for how in ("Complete", "Error", "Canceled")}
    retain_now(busy, timedelta(days=4_000), days=0, canceled_days=0)
    assert kept(busy) == hashes


def test_what_waits_or_is_at_work_stays_whatever_its_age(busy: Hub) -> None:
    (running,) = busy.enqueue(timeout_ms=0)
    (waiting,) = busy.enqueue(capability="Nobody")
    retain_now(busy, timedelta(days=4_000))
    assert kept(busy) == {running, waiting}


def test_what_was_queued_again_has_a_new_age(busy: Hub) -> None:
    hash = end(busy, "Error")
    busy.clock.ahead = timedelta(days=20)
    busy.done(RequeueWork(hub=busy.id, work_item_hash=hash))
    busy.done(busy.complete(hash))
    retain_now(busy, timedelta(days=49))
    assert kept(busy) == {hash}
    retain_now(busy, timedelta(days=51))
    assert kept(busy) == set()


def test_an_open_run_keeps_its_items_until_it_ends(busy: Hub) -> None:
    (opened,) = busy.done(StartRun(hub=busy.id, idempotency_key=None, submitter_tag="", metadata={}))
    hash = end(busy, "Complete", run_id=opened["RunID"])
    retain_now(busy)
    assert kept(busy) == {hash}
    busy.done(EndRun(hub=busy.id, run_id=opened["RunID"], state="Ended"))
    retain_now(busy)
    assert (kept(busy), count(busy, "hub_run")) == (set(), 0)


def test_a_run_with_a_key_stays_known(busy: Hub) -> None:
    (opened,) = busy.done(StartRun(hub=busy.id, idempotency_key="k", submitter_tag="", metadata={}))
    end(busy, "Complete", run_id=opened["RunID"])
    busy.done(EndRun(hub=busy.id, run_id=opened["RunID"], state="Ended"))
    retain_now(busy)
    (again,) = busy.done(StartRun(hub=busy.id, idempotency_key="k", submitter_tag="", metadata={}))
    assert (again["RunID"], kept(busy)) == (opened["RunID"], set())


def test_a_run_goes_with_its_last_item_only(busy: Hub) -> None:
    (opened,) = busy.done(StartRun(hub=busy.id, idempotency_key=None, submitter_tag="", metadata={}))
    end(busy, "Complete", run_id=opened["RunID"])
    failed = end(busy, "Error", run_id=opened["RunID"])
    busy.done(EndRun(hub=busy.id, run_id=opened["RunID"], state="Ended"))
    retain_now(busy)
    assert (kept(busy), count(busy, "hub_run")) == ({failed}, 1)


def test_files_are_let_go_with_their_item(busy: Hub) -> None:
    digest = "a" * 64
    new = {"digest": digest, "size": 3, "upload_id": "u", "chunk_bytes": 3, "refs": 0, "stored_at": clock(), "touched_at": clock()}
    with busy.kernel.engine.begin() as connection:
        connection.execute(sa.insert(blob), new)
    hashes = busy.enqueue(2)
    for hash in hashes:
        for name in ("a", "b"):
            fence = {"hub": busy.id, "work_item_hash": hash, "beacon_id": None, "attempt": None}
            busy.done(AttachArtifact(**fence, filename=name, digest=digest, size=3, content_type="text/plain"))
    assert busy.rows("SELECT refs FROM content_blob")[0][0] == 4
    busy.done(busy.complete(hashes[0]), busy.fail(hashes[1]))
    retain_now(busy)
    assert (busy.rows("SELECT refs FROM content_blob")[0][0], count(busy, "hub_artifact")) == (2, 2)


def test_a_page_at_a_time_past_those_that_stay(busy: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retain, "PAGE", 3)
    (opened,) = busy.done(StartRun(hub=busy.id, idempotency_key=None, submitter_tag="", metadata={}))
    stay = {end(busy, "Complete", run_id=opened["RunID"]) for _ in range(4)}
    for _ in range(4):
        end(busy, "Complete")
    end(busy, "Canceled")
    stay.add(end(busy, "Error"))
    retain_now(busy)
    assert kept(busy) == stay
    assert not busy.rows("SELECT id FROM ledger_order")


def test_a_page_costs_the_same_however_much_is_kept(busy: Hub, statements_of: Callable[[], list[str]]) -> None:
    for _ in range(3):
        end(busy, "Complete")
    seen = statements_of()
    retain_now(busy)
    removing = [statement for statement in seen if statement.startswith("DELETE FROM hub_")]
    assert len(removing) == 5, removing  # artifacts, events, attempts, items, runs: once each, and not once for each item


@pytest.fixture
def statements_of(busy: Hub) -> Callable[[], list[str]]:
    def record() -> list[str]:
        seen: list[str] = []
        sa.event.listen(busy.kernel.engine, "before_cursor_execute", lambda *heard: seen.append(heard[2]))
        return seen

    return record


def test_permits_that_nobody_needs_go_and_come_again(busy: Hub) -> None:
    end(busy, "Complete", concurrency_key="used")
    busy.enqueue(2, concurrency_key="held", timeout_ms=0)
    assert count(busy, "hub_permit") == 2
    retain_now(busy, timedelta())
    assert [tuple(row) for row in busy.rows("SELECT concurrency_key, held, waiting FROM hub_permit")] == [("held", 1, 1)]
    again = end(busy, "Complete", concurrency_key="used")
    assert busy.item(again).status == "Complete"


def test_the_days_are_those_of_the_settings() -> None:
    chosen = {"UV_RETENTION_DAYS": "1", "UV_RETENTION_CANCELED_DAYS": "2", "UV_RETENTION_FAILED_DAYS": "3", "UV_HUB": "h"}
    command = retaining(Settings.read(chosen))
    assert (command.hub, command.days, command.canceled_days, command.failed_days) == ("h", 1, 2, 3)


def test_the_answer_tells_what_was_removed(busy: Hub) -> None:
    end(busy, "Complete", concurrency_key="k")
    busy.clock.ahead = OLD
    (outcome,) = busy.do(RetainWork(hub=busy.id, **DAYS))
    assert isinstance(outcome, Done)
    assert outcome.value == {"Items": 1, "Permits": 1}
