"""Order, delays, unique items, runs, batches, second chances, defaults, admission."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from schema import envelope as keys
from schema.hub.commands import (
    CompleteBatch,
    DropActionDefaults,
    EndRun,
    EnqueueBatch,
    EnqueueWork,
    ProgressBatch,
    ReorderWork,
    RequeueMany,
    RequeueWork,
    SetActionDefaults,
    StartRun,
    Tick,
)
from schema.hub.rules.ranking import AGEING_MS
from tests.tasks.hub.conftest import Hub


def taken(hub: Hub, beacon: str) -> list[str]:
    return [offer["WorkItemHash"] for offer in hub.inbox(beacon)]


def reorder(hash: str, direction: str) -> ReorderWork:
    return ReorderWork(hub="h", work_item_hash=hash, direction=direction)


def test_priority_desc_then_enqueued_at_asc(hub: Hub) -> None:
    low, normal, high, later = (hub.enqueue(priority=p)[0] for p in (-1, 0, 5, 0))
    assert taken(hub, hub.register("ada")) == [high, normal, later, low]


def test_an_old_item_is_not_overtaken_for_ever(hub: Hub) -> None:
    (old,) = hub.enqueue(priority=0)
    hub.clock.ahead = timedelta(milliseconds=3 * AGEING_MS)
    urgent, important = hub.enqueue(priority=4)[0], hub.enqueue(priority=2)[0]
    assert taken(hub, hub.register("ada")) == [urgent, old, important]


def test_reorder_moves_one_place_and_tells_the_priorities(hub: Hub) -> None:
    hashes = [hub.enqueue(capability=c)[0] for c in ("Shell", "File", "Shell")]
    told = {"Success": True, "Reordered": True, "WorkItemHash": hashes[2], "OldPriority": 0, "NewPriority": 1}
    assert hub.done(reorder(hashes[2], "up")) == [told]
    assert hub.done(reorder(hashes[0], "down"))[0]["NewPriority"] == 0
    assert hub.history(hashes[2])[-1] == (2, "reordered", "Pending")
    assert taken(hub, hub.register("ada", capabilities=("Shell", "File"))) == [hashes[2], hashes[0], hashes[1]]


def test_reorder_at_the_edge_or_of_what_is_not_queued_is_a_conflict(hub: Hub) -> None:
    one, two = hub.enqueue(2)
    assert (hub.refused(reorder(one, "up")), hub.refused(reorder(two, "down"))) == ("conflict", "conflict")
    hub.register("ada")
    assert (hub.refused(reorder(one, "down")), hub.refused(reorder("wi-none", "up"))) == ("conflict", "not_found")


def test_a_delayed_item_is_given_out_when_its_time_has_come(hub: Hub) -> None:
    ada = hub.register("ada")
    not_before = (hub.clock() + timedelta(minutes=5)).isoformat()
    first, second = hub.enqueue(delay_ms=60_000)[0], hub.enqueue(not_before=not_before)[0]
    assert {hub.item(first).status, hub.item(second).status} == {"Delayed"}
    assert taken(hub, ada) == []
    hub.clock.ahead = timedelta(minutes=2)
    hub.done(Tick(hub="h"))
    assert (taken(hub, ada), hub.item(second).status) == ([first], "Delayed")
    assert hub.history(first) == [(1, "enqueued", "Delayed"), (2, "ready", "Pending"), (3, "dispatched", "Running")]
    assert hub.item(first).queue_wait_ms < 60_000
    hub.clock.ahead = timedelta(minutes=6)
    hub.done(Tick(hub="h"))
    assert taken(hub, ada) == [second]


def enqueue(**more: Any) -> EnqueueWork:
    return EnqueueWork(**({"hub": "h", "capability": "Shell", "action": "Execute", "settings": {}, "metadata": {}} | more))


def test_a_second_item_with_a_unique_key_is_the_first_one(hub: Hub) -> None:
    first, second = hub.done(enqueue(unique_key="k", unique_window_ms=1_000), enqueue(unique_key="k"))
    assert second == first | {"Existing": True}
    assert len(hub.rows("SELECT 1 FROM hub_work_item")) == 1
    hub.clock.ahead = timedelta(seconds=2)
    (third,) = hub.done(enqueue(unique_key="k"))
    assert third["WorkItemHash"] != first["WorkItemHash"]
    hub.clock.ahead = timedelta(days=2)
    hub.done(Tick(hub="h"))
    assert hub.rows("SELECT 1 FROM hub_unique_item") == []


def test_a_run_is_the_same_for_its_key_for_ever(hub: Hub) -> None:
    start = StartRun(hub="h", idempotency_key="k", submitter_tag="t", metadata={"a": 1})
    one, two, other = hub.done(start, start, StartRun(hub="h", idempotency_key=None, submitter_tag="", metadata={}))
    assert one == two
    assert (one["Success"], one["State"], one["IdempotencyKey"]) == (True, "Active", "k")
    assert other["RunID"] != one["RunID"]
    hub.clock.ahead = timedelta(days=9)
    assert hub.done(start)[0]["RunID"] == one["RunID"]


def test_nothing_is_enqueued_into_a_run_that_is_unknown_or_has_ended(hub: Hub) -> None:
    (run,) = hub.done(StartRun(hub="h", idempotency_key=None, submitter_tag="", metadata={}))
    hub.done(enqueue(run_id=run["RunID"]))
    end = EndRun(hub="h", run_id=run["RunID"], state="Done")
    assert hub.done(end, end) == [{"Success": True, "RunID": run["RunID"], "State": "Done"}] * 2
    assert hub.refused(enqueue(run_id=run["RunID"])) == "conflict"
    assert (hub.refused(enqueue(run_id="rn-none")), hub.refused(EndRun(hub="h", run_id="rn-none"))) == ("not_found", "not_found")


def row(index: int, **more: Any) -> dict[str, Any]:
    return {"index": index, "capability": "Shell", "action": "Execute", "settings": {}, "metadata": {}} | more


def test_a_batch_of_items_is_one_command_with_its_own_errors(hub: Hub) -> None:
    ada = hub.register("ada", slots=9)
    (answer,) = hub.done(EnqueueBatch(hub="h", items=[row(0), row(1, run_id="rn-none"), row(3, priority=7)]))
    assert [item["Index"] for item in answer["Items"]] == [0, 3]
    assert {item["RunID"] for item in answer["Items"]} == {answer["RunID"]}
    assert [(error["Index"], error["Code"]) for error in answer["Errors"]] == [(1, "not_found")]
    assert taken(hub, ada) == [answer["Items"][1]["WorkItemHash"], answer["Items"][0]["WorkItemHash"]]
    assert len(hub.rows("SELECT 1 FROM hub_run")) == 1


def test_batches_of_reports_are_judged_row_by_row(hub: Hub) -> None:
    ada = hub.register("ada")
    one, two = hub.enqueue(2)
    rows = [{"index": n, "work_item_hash": hash, "beacon_id": ada, "attempt": 1, "log": []} for n, hash in enumerate((one, "wi-none", two))]
    (went,) = hub.done(ProgressBatch(hub="h", items=[r | {"percent": 5.0} for r in rows]))
    assert went["Items"] == [{"WorkItemHash": one, "Updated": True}, {"WorkItemHash": two, "Updated": True}]
    (done,) = hub.done(CompleteBatch(hub="h", items=[r | {"outputs": {"n": 1}} for r in rows]))
    assert done["Items"] == [{"WorkItemHash": one, "Status": "Completed"}, {"WorkItemHash": two, "Status": "Completed"}]
    assert [(e["Index"], e["WorkItemHash"], e["Code"]) for e in done["Errors"]] == [(1, "wi-none", "not_found")]
    assert {hub.item(one).status, hub.item(two).status} == {"Complete"}


def test_a_failed_item_gets_a_new_budget_and_keeps_its_history(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    (hash,) = hub.enqueue()
    hub.done(hub.fail(hash, ada, 1))
    requeue = RequeueWork(hub="h", work_item_hash=hash, settings={"Command": "other"}, priority=3)
    assert hub.done(requeue) == [{"Success": True, "WorkItemHash": hash, "Status": "Pending", "Priority": 3}]
    assert (hub.item(hash).status, hub.item(hash).failures, hub.attempts(hash)) == ("Running", 0, [(1, "Error"), (2, "Running")])
    assert hub.inbox(ada)[-1]["Settings"]["Command"] == "other"
    assert hub.refused(requeue) == "conflict"
    hub.done(hub.complete(hash, ada, 2))
    assert [kind for _, kind, _ in hub.history(hash)] == ["enqueued", "dispatched", "failed", "requeued", "dispatched", "completed"]
    assert (hub.refused(requeue), hub.refused(RequeueWork(hub="h", work_item_hash="wi-none"))) == ("conflict", "not_found")


def test_many_failed_items_are_queued_again(hub: Hub) -> None:
    ada = hub.register("ada", slots=5)
    hashes = hub.enqueue(4)
    hub.done(*(hub.fail(hash, ada, 1) for hash in hashes[:3]), hub.complete(hashes[3], ada, 1))
    (some,) = hub.done(RequeueMany(hub="h", capability="Shell", limit=2))
    assert (some["WorkItemHashes"], some["More"]) == (hashes[:2], True)
    (named,) = hub.done(RequeueMany(hub="h", hashes=[hashes[3], hashes[2], "wi-none", hashes[2]]))
    assert (named["WorkItemHashes"], named["More"]) == ([hashes[2]], False)
    assert hub.done(RequeueMany(hub="h", capability="Other"))[0]["Requeued"] == 0


def test_an_actions_defaults_hold_for_who_says_nothing(hub: Hub) -> None:
    def say(action: str, **values: Any) -> SetActionDefaults:
        given = {"timeout_ms": None, "max_attempts": None, "retry_backoff_ms": None, "default_priority": None} | values
        return SetActionDefaults(hub="h", capability="Shell", action=action, **given)

    hub.done(say("", timeout_ms=5, default_priority=1), say("Execute", max_attempts=7), say("Execute", max_attempts=8))
    plain, said, other = hub.enqueue()[0], hub.enqueue(timeout_ms=9, priority=0)[0], hub.enqueue(capability="Other")[0]
    policies = [(i.timeout_ms, i.max_attempts, i.retry_backoff_ms, i.priority) for i in map(hub.item, (plain, said, other))]
    assert policies == [(5, 8, 5_000, 1), (9, 8, 5_000, 0), (300_000, 1, 5_000, 0)]
    drop = DropActionDefaults(hub="h", capability="Shell", action="Execute")
    hub.done(drop)
    assert hub.refused(drop) == "not_found"
    assert hub.item(hub.enqueue()[0]).max_attempts == 1


def events(hub: Hub, topic: str) -> list[str]:
    return [orjson.loads(entry[b"e"])["Topic"] for _, entry in hub.kernel.redis.xrange(keys.events(topic))]


def test_admission_is_denied_when_too_much_waits_and_recovers(hub: Hub) -> None:
    """Spec 13: 429 with Retry-After."""
    outcomes = hub.do(*[enqueue(limits=(2, 0, 0.0)) for _ in range(3)])
    assert [outcome.status for outcome in outcomes] == [200, 200, 429]
    refused: Any = outcomes[2]
    assert (refused.details["Reason"], refused.details["RetryAfterSeconds"]) == ("queued_depth_exceeded", 30)
    hub.enqueue(limits=None)
    hub.register("ada", slots=9)
    hub.done(enqueue(limits=(2, 0, 0.0)))
    assert [kind for kind in events(hub, "beacon") if "admission" in kind] == ["observer.admission.denied", "observer.admission.recovered"]


def test_admission_looks_at_the_fleet_when_the_queue_is_long(hub: Hub) -> None:
    from schema.hub.commands import LoseBeacon

    ada = hub.register("ada", capabilities=("Other",))
    hub.enqueue(2)
    assert hub.do(enqueue(limits=(0, 2, 0.5)))[0].status == 200
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=1))
    (denied,) = hub.do(enqueue(limits=(0, 2, 0.5)))
    assert (denied.status, denied.details["Reason"]) == (429, "fleet_unhealthy")  # type: ignore[union-attr]  # a refusal


def test_who_waits_for_an_item_needs_a_beacon_and_is_told_the_end(hub: Hub) -> None:
    assert hub.refused(enqueue(awaited=True)) == "no_beacon"
    ada = hub.register("ada")
    (hash,) = hub.enqueue(awaited=True)
    hub.done(hub.complete(hash, ada, 1, Result="ok"))
    name = keys.ended(hash)
    assert hub.kernel.redis.ttl(name) > 0
    told = orjson.loads(hub.kernel.redis.lpop(name))
    assert (told["Status"], told["Result"]) == ("Complete", {"Outputs": {"Result": "ok"}, "Log": ["done"]})
