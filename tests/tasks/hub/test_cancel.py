"""An item that is not wanted any more: it ends, its slot is free, and whoever waits is told (ultravisor-hub 12.7)."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from schema import envelope as keys
from schema.hub.commands import CancelWork, LoseBeacon, Tick
from tests.tasks.hub.conftest import Hub


def cancel(hash: str, **more: object) -> CancelWork:
    return CancelWork(hub="h", work_item_hash=hash, reason="why", **more)  # type: ignore[arg-type]  # the options are the command's own


def test_a_waiting_item_is_canceled_at_once_and_again_with_the_same_answer(hub: Hub) -> None:
    (hash,) = hub.enqueue()
    told = {"Success": True, "WorkItemHash": hash, "Canceled": True, "Status": "Canceled"}
    assert hub.done(cancel(hash)) == hub.done(cancel(hash)) == [told]
    assert hub.history(hash) == [(1, "enqueued", "Pending"), (2, "canceled", "Canceled")]
    hub.register("ada")
    assert hub.item(hash).status == "Canceled"


@pytest.mark.parametrize("state", ["Delayed", "RetryScheduled"])
def test_an_item_that_waits_for_its_time_is_canceled_at_once(hub: Hub, state: str) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue(max_attempts=2, retry_backoff_ms=60_000, delay_ms=60_000 if state == "Delayed" else 0)
    if state == "RetryScheduled":
        hub.done(hub.fail(hash, ada, 1))
    assert hub.item(hash).status == state
    hub.done(cancel(hash))
    hub.clock.ahead = timedelta(hours=1)
    assert hub.done(Tick(hub="h")) == [{"Due": 0}]
    assert hub.item(hash).status == "Canceled"


def test_the_holder_is_told_and_the_request_is_repeated_without_effect(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    hub.inbox(ada)
    told = {"Success": True, "WorkItemHash": hash, "Canceled": False, "Status": "Running", "CancelRequested": True}
    assert hub.done(cancel(hash)) == hub.done(cancel(hash)) == [told]
    assert hub.inbox(ada) == [{"CancelWorkItem": hash, "AttemptNumber": 1}] * 2
    assert [kind for _, kind, _ in hub.history(hash)] == ["enqueued", "dispatched", "cancel_requested"]
    assert hub.done(hub.progress(hash, ada, 1)) == [{"Success": True, "WorkItemHash": hash, "CancelRequested": True}]


@pytest.mark.parametrize("kind", ["complete", "fail"])
def test_cancel_frees_the_slot_with_the_holders_last_word_which_is_kept(hub: Hub, kind: str) -> None:
    """Spec 13: complete-after-cancel is not accepted; the item stays canceled."""
    ada = hub.register("ada", slots=1)
    first, second = hub.enqueue(2)
    hub.done(cancel(first))
    assert hub.item(second).status == "Pending"
    report = hub.complete(first, ada, 1, Result="late") if kind == "complete" else hub.fail(first, ada, 1, error="late")
    assert hub.done(report) == hub.done(report) == [{"Status": "Canceled", "WorkItemHash": first}]
    assert (hub.item(first).status, hub.attempts(first), hub.item(second).status) == ("Canceled", [(1, "Canceled")], "Running")
    (row,) = hub.rows("SELECT outputs, error FROM hub_work_attempt WHERE work_item_hash = :h", h=first)
    assert "late" in f"{row.outputs} {row.error}"
    assert hub.item(first).result is None or "late" not in str(hub.item(first).result)


def test_without_a_word_the_item_is_canceled_when_the_grace_is_over(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    first, second = hub.enqueue(2)
    hub.done(cancel(first, grace_ms=2_000))
    assert hub.done(Tick(hub="h")) == [{"Due": 0}]
    hub.clock.ahead = timedelta(seconds=3)
    assert hub.done(Tick(hub="h")) == [{"Due": 1}]
    assert (hub.item(first).status, hub.item(second).status) == ("Canceled", "Running")
    assert hub.done(hub.complete(first, ada, 1, Result="later")) == [{"Status": "Canceled", "WorkItemHash": first}]
    assert hub.item(first).status == "Canceled"


def test_a_canceled_item_does_not_come_back_with_its_lost_beacon(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue(max_attempts=5)
    hub.done(cancel(hash))
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=20_000))
    assert (hub.item(hash).status, hub.attempts(hash)) == ("Canceled", [(1, "Canceled")])


def test_what_has_ended_cannot_be_canceled(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    hub.done(hub.complete(hash, ada, 1))
    assert hub.refused(cancel(hash)) == "already_final"
    assert hub.refused(cancel("wi-none")) == "not_found"


def test_a_caller_who_waits_for_the_item_is_answered(hub: Hub) -> None:
    """Spec 13: cancel answers callers."""
    hub.register("ada")
    (hash,) = hub.enqueue(awaited=True)
    hub.done(cancel(hash, grace_ms=0))
    hub.clock.ahead = timedelta(seconds=1)
    hub.done(Tick(hub="h"))
    told = orjson.loads(hub.kernel.redis.lpop(keys.ended(hash)))
    assert (told["Status"], told["CancelReason"]) == ("Canceled", "why")
