"""The life of work items, on every engine."""

from __future__ import annotations

from datetime import timedelta

from schema.hub.commands import DeregisterBeacon, GreetBeacon, LoseBeacon, OfferAgain, Tick
from schema.hub.rules.retry import LOSSES
from tests.tasks.hub.conftest import Hub


def test_an_item_is_dispatched_when_a_beacon_comes_and_completes(hub: Hub) -> None:
    (hash,) = hub.enqueue()
    assert hub.item(hash).status == "Pending"
    beacon = hub.register("ada")
    (offer,) = hub.inbox(beacon)
    assert (offer["WorkItemHash"], offer["AttemptNumber"]) == (hash, 1)
    assert hub.done(hub.complete(hash, beacon, 1, Result="ok")) == [{"Status": "Completed", "WorkItemHash": hash}]
    assert hub.history(hash) == [(1, "enqueued", "Pending"), (2, "dispatched", "Running"), (3, "completed", "Complete")]
    assert hub.attempts(hash) == [(1, "Complete")]


def test_a_repeated_report_gets_the_same_answer_and_changes_nothing(hub: Hub) -> None:
    beacon = hub.register("ada")
    (hash,) = hub.enqueue()
    first = hub.done(hub.complete(hash, beacon, 1, Result="one"))
    assert hub.done(hub.complete(hash, beacon, 1, Result="two")) == first
    assert len(hub.history(hash)) == 3


def test_a_repeated_error_gets_the_same_answer_whatever_came_of_the_item(hub: Hub) -> None:
    beacon = hub.register("ada")
    (hash,) = hub.enqueue(max_attempts=3, retry_backoff_ms=1_000)
    first = hub.done(hub.fail(hash, beacon, 1))
    assert hub.done(hub.fail(hash, beacon, 1)) == first
    hub.clock.ahead = timedelta(minutes=1)
    hub.done(Tick(hub="h"))
    assert hub.done(hub.fail(hash, beacon, 1)) == first
    assert hub.refused(hub.complete(hash, beacon, 1)) == "superseded"
    assert hub.attempts(hash) == [(1, "Error"), (2, "Running")]


def test_a_result_after_the_time_was_over_is_kept_but_changes_nothing(hub: Hub) -> None:
    beacon = hub.register("ada")
    (hash,) = hub.enqueue(timeout_ms=1_000)
    hub.clock.ahead = timedelta(seconds=5)
    hub.done(Tick(hub="h"))
    assert hub.refused(hub.complete(hash, beacon, 1, Result="late")) == "already_final"
    assert (hub.item(hash).status, hub.attempts(hash)) == ("Error", [(1, "Superseded")])


def test_only_the_holder_may_report(hub: Hub) -> None:
    hub.register("ada")
    (hash,) = hub.enqueue()
    assert hub.refused(hub.complete(hash, "bcn-other", 1)) == "superseded"
    assert hub.refused(hub.complete(hash, None, 9)) == "superseded"
    assert hub.refused(hub.fail("wi-none", None, 1)) == "not_found"
    assert hub.item(hash).status == "Running"


def test_a_late_report_is_kept_with_its_attempt(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    (hash,) = hub.enqueue()
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=20_000))
    bob = hub.register("bob", slots=1)
    assert hub.item(hash).attempt_number == 2
    assert hub.refused(hub.complete(hash, ada, 1, Result="late")) == "superseded"
    assert hub.attempts(hash) == [(1, "Superseded"), (2, "Running")]
    hub.done(hub.complete(hash, bob, 2, Result="in time"))
    (row,) = hub.rows("SELECT outputs FROM hub_work_attempt WHERE attempt_number = 1")
    assert "late" in str(row.outputs)
    assert hub.history(hash)[3:] == [(4, "dispatched", "Running"), (5, "superseded", "Running"), (6, "completed", "Complete")]


def test_never_above_max_concurrent_and_in_order(hub: Hub) -> None:
    beacon = hub.register("ada", slots=2)
    hashes = hub.enqueue(5)
    (urgent,) = hub.enqueue(priority=9)
    assert [offer["WorkItemHash"] for offer in hub.inbox(beacon)] == hashes[:2]
    hub.done(hub.complete(hashes[0], beacon, 1))
    assert [offer["WorkItemHash"] for offer in hub.inbox(beacon)] == [urgent]
    hub.done(hub.complete(urgent, beacon, 1), hub.complete(hashes[1], beacon, 1))
    assert [offer["WorkItemHash"] for offer in hub.inbox(beacon)] == hashes[2:4]


def test_strict_affinity_waits_for_its_beacon_and_blocks_nobody(hub: Hub) -> None:
    ada = hub.register("ada")
    (strict,) = hub.enqueue(affinity_key="bob", require_affinity_match=True)
    (soft,) = hub.enqueue(affinity_key="somebody")
    (plain,) = hub.enqueue()
    assert [offer["WorkItemHash"] for offer in hub.inbox(ada)] == [soft, plain]
    bob = hub.register("bob", capabilities=("Other",))
    assert [offer["WorkItemHash"] for offer in hub.inbox(bob)] == [strict]


def test_a_failed_item_is_tried_again_after_its_pause(hub: Hub) -> None:
    beacon = hub.register("ada")
    (hash,) = hub.enqueue(max_attempts=2, retry_backoff_ms=60_000)
    assert hub.done(hub.fail(hash, beacon, 1)) == [{"Status": "Failed", "WorkItemHash": hash}]
    assert hub.item(hash).status == "RetryScheduled"
    assert hub.done(Tick(hub="h")) == [{"Due": 0}]
    hub.clock.ahead = timedelta(minutes=2)
    assert hub.done(Tick(hub="h")) == [{"Due": 1}]
    assert hub.item(hash).status == "Running"
    hub.done(hub.fail(hash, beacon, 2))
    assert hub.item(hash).status == "Error"
    assert hub.attempts(hash) == [(1, "Error"), (2, "Error")]


def test_an_attempt_ends_when_its_time_is_over(hub: Hub) -> None:
    beacon = hub.register("ada")
    (hash,) = hub.enqueue(timeout_ms=1_000)
    hub.clock.ahead = timedelta(seconds=5)
    hub.done(Tick(hub="h"))
    assert (hub.item(hash).status, hub.attempts(hash)) == ("Error", [(1, "Timeout")])
    assert hub.refused(hub.complete(hash, beacon, 1)) == "already_final"


def test_a_beacon_that_leaves_gives_its_items_back(hub: Hub) -> None:
    ada = hub.register("ada")
    hashes = hub.enqueue(3)
    assert hub.done(DeregisterBeacon(hub="h", beacon_id=ada)) == [{"Status": "Deregistered", "BeaconID": ada}]
    assert {hub.item(hash).status for hash in hashes} == {"Pending"}
    assert hub.refused(DeregisterBeacon(hub="h", beacon_id=ada)) == "not_found"
    assert hub.register("ada") == ada


def test_a_restarted_beacon_says_what_it_has_in_hand(hub: Hub) -> None:
    ada = hub.register("ada")
    kept, gone = hub.enqueue(2)
    assert hub.register("ada", in_hand=[(kept, 1)]) == ada
    assert (hub.item(kept).attempt_number, hub.item(gone).attempt_number) == (1, 2)
    assert hub.attempts(gone) == [(1, "Lost"), (2, "Running")]


def test_a_silent_beacon_is_lost_and_comes_back(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=11_000))
    assert hub.item(hash).status == "Pending"
    assert hub.refused(LoseBeacon(hub="h", beacon_id=ada, silent_ms=11_000)) == "conflict"
    hub.done(GreetBeacon(hub="h", beacon_id=ada))
    assert (hub.item(hash).status, hub.item(hash).attempt_number) == ("Running", 2)


def test_an_item_that_takes_its_beacons_down_is_given_up(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    for _ in range(LOSSES):
        assert hub.item(hash).status == "Running"
        hub.register("ada", in_hand=[])
    assert hub.item(hash).status == "Error"
    assert hub.inbox(ada)[-1]["AttemptNumber"] == LOSSES


def test_an_offer_is_repeated_for_the_same_attempt(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    (first,) = hub.inbox(ada)
    assert hub.done(OfferAgain(hub="h", items=[(hash, 1), (hash, 2), ("wi-none", 1)])) == [{"Offered": 1}]
    (second,) = hub.inbox(ada)
    assert (second["WorkItemHash"], second["AttemptNumber"]) == (first["WorkItemHash"], first["AttemptNumber"])
    assert len(hub.history(hash)) == 2


def test_progress_is_kept_on_the_row(hub: Hub) -> None:
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    assert hub.done(hub.progress(hash, ada, 1, percent=40.0, message="going")) == [{"Success": True, "WorkItemHash": hash}]
    assert "going" in str(hub.item(hash).progress)
    assert hub.refused(hub.progress(hash, "bcn-other", 1)) == "superseded"


def test_a_whole_life_in_one_batch(hub: Hub) -> None:
    """Verbs of a unit see what earlier verbs of the same unit did."""
    ada = hub.register("ada")
    hashes = hub.enqueue(4)
    commands = [c for h in hashes for c in (hub.progress(h, ada, 1), hub.complete(h, ada, 1), hub.complete(h, ada, 1), hub.fail(h, ada, 1))]
    outcomes = hub.do(*commands)
    assert [outcome.status for outcome in outcomes] == [200, 200, 200, 409] * 4
