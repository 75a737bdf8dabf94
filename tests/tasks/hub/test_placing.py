"""Who may take what: affinity, actions, pauses, concurrency keys, doubtful beacons. Each blocks its own and nobody behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from schema import envelope as keys
from schema.hub.commands import DeregisterBeacon, GreetBeacon, LoseBeacon, PauseBeacon, PauseCapability, SuspectBeacon, Tick
from tests.tasks.hub.conftest import Hub


def taken(hub: Hub, beacon: str) -> list[str]:
    return [offer["WorkItemHash"] for offer in hub.inbox(beacon)]


def test_the_first_taker_of_a_key_gets_all_that_follow(hub: Hub) -> None:
    ada, bob = hub.register("ada", slots=9), hub.register("bob", slots=9)
    first = hub.enqueue(affinity_key="blue")
    holder = ada if taken(hub, ada) else bob
    hub.inbox(bob)
    more = hub.enqueue(3, affinity_key="blue")
    assert taken(hub, holder) == more
    assert {hub.item(hash).assigned_beacon_id for hash in first + more} == {holder}


def test_a_bound_item_waits_for_its_busy_beacon_and_blocks_nobody(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    first, second = hub.enqueue(2, affinity_key="blue")
    bob = hub.register("bob", slots=1)
    (plain,) = hub.enqueue()
    assert (taken(hub, ada), taken(hub, bob)) == ([first], [plain])
    hub.done(hub.complete(plain, bob, 1))
    assert (hub.item(second).status, taken(hub, bob)) == ("Pending", [])
    hub.done(hub.complete(first, ada, 1))
    assert taken(hub, ada) == [second]


def test_a_binding_ends_an_hour_after_its_last_use(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    (first,) = hub.enqueue(affinity_key="blue")
    hub.done(hub.complete(first, ada, 1))
    hub.clock.ahead = timedelta(minutes=50)
    (second,) = hub.enqueue(affinity_key="blue", timeout_ms=0)
    hub.clock.ahead = timedelta(minutes=100)
    bob = hub.register("bob")
    (third,) = hub.enqueue(affinity_key="blue")
    assert hub.item(third).status == "Pending", "renewed by the second"
    hub.clock.ahead = timedelta(minutes=111)
    hub.done(Tick(hub="h"))
    assert (hub.item(second).assigned_beacon_id, hub.item(third).assigned_beacon_id) == (ada, bob)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_beacon_that_leaves_lets_go_of_what_stuck_to_it(hub: Hub, leaves: bool) -> None:
    ada = hub.register("ada", slots=1)
    first, second = hub.enqueue(2, affinity_key="blue")
    bob = hub.register("bob", slots=2)
    hub.done(DeregisterBeacon(hub="h", beacon_id=ada) if leaves else LoseBeacon(hub="h", beacon_id=ada, silent_ms=9))
    assert sorted(taken(hub, bob)) == sorted([first, second])


def test_a_name_waits_for_its_lost_beacon_and_not_for_one_that_has_left(hub: Hub) -> None:
    ada = hub.register("ada", slots=1)
    hub.enqueue(affinity_key="ada")
    named, strict = hub.enqueue(affinity_key="ada")[0], hub.enqueue(affinity_key="ada", require_affinity_match=True)[0]
    bob = hub.register("bob")
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=9))
    assert taken(hub, bob) == []
    hub.done(DeregisterBeacon(hub="h", beacon_id=ada))
    assert named in taken(hub, bob)
    assert hub.item(strict).status == "Pending"


def test_an_item_that_waited_elsewhere_comes_when_its_name_registers(hub: Hub) -> None:
    (hash,) = hub.enqueue(affinity_key="bob", capability="Rare")
    bob = hub.register("bob", capabilities=("Other",))
    hub.flush()
    assert taken(hub, bob) == [hash]


def schema(action: str, capability: str = "Shell") -> dict[str, Any]:
    return {"Capability": capability, "Action": action, "Description": "", "SettingsSchema": []}


def test_a_beacon_gets_only_actions_that_it_declares_and_any_where_it_declares_none(hub: Hub) -> None:
    odd, known, free = hub.enqueue(action="Odd")[0], hub.enqueue(action="Execute")[0], hub.enqueue(capability="File", action="Any")[0]
    ada = hub.register("ada", capabilities=("Shell", "File"), action_schemas=[schema("Execute"), schema("Odd", "Elsewhere")])
    assert taken(hub, ada) == [known, free]
    bob = hub.register("bob")
    assert taken(hub, bob) == [odd]


def test_a_paused_beacon_ends_what_it_has_and_gets_nothing_until_it_is_resumed(hub: Hub) -> None:
    ada = hub.register("ada", slots=2)
    (held,) = hub.enqueue()
    pause, resume = (PauseBeacon(hub="h", beacon_id=ada, paused=paused) for paused in (True, False))
    (told,) = hub.done(pause)
    assert (told["Paused"], told["CurrentWorkItems"], told["Drained"]) == (True, [held], False)
    (waits,) = hub.enqueue()
    hub.register("ada", slots=2)
    assert hub.item(waits).status == "Pending", "registering again does not resume"
    hub.done(hub.complete(held, ada, 1))
    assert hub.done(pause)[0] == told | {"CurrentWorkItems": [], "Drained": True}
    hub.done(resume, resume)
    assert hub.item(waits).status == "Running"
    assert hub.refused(PauseBeacon(hub="h", beacon_id="bcn-none", paused=True)) == "not_found"


def test_a_paused_capability_keeps_its_items_whoever_they_are_for(hub: Hub) -> None:
    pause, resume = (PauseCapability(hub="h", capability="Shell", paused=paused, reason="why") for paused in (True, False))
    hub.done(pause, pause)
    plain, named = hub.enqueue()[0], hub.enqueue(affinity_key="ada")[0]
    ada = hub.register("ada", slots=9, capabilities=("Shell", "File"))
    other, mine = hub.enqueue(capability="File")[0], hub.enqueue(capability="File", affinity_key="ada")[0]
    assert taken(hub, ada) == [other, mine]
    hub.done(resume, resume)
    assert sorted(taken(hub, ada)) == sorted([plain, named])


def test_never_more_of_a_concurrency_key_than_its_limit_and_in_order(hub: Hub) -> None:
    ada = hub.register("ada", slots=9)
    hashes = hub.enqueue(5, concurrency_key="db", concurrency_limit=2)
    (plain,) = hub.enqueue()
    assert taken(hub, ada) == [*hashes[:2], plain]
    hub.done(hub.complete(hashes[1], ada, 1), hub.fail(hashes[0], ada, 1))
    assert taken(hub, ada) == hashes[2:4]


def test_a_permit_comes_back_however_an_item_ends_or_pauses(hub: Hub) -> None:
    from schema.hub.commands import CancelWork

    ada = hub.register("ada", slots=9)
    one, two, three, four = hub.enqueue(4, concurrency_key="db", max_attempts=2, retry_backoff_ms=60_000)
    hub.done(CancelWork(hub="h", work_item_hash=two))
    hub.done(hub.fail(one, ada, 1))
    assert (hub.item(one).status, hub.item(three).status) == ("RetryScheduled", "Running")
    hub.clock.ahead = timedelta(minutes=2)
    hub.done(Tick(hub="h"))
    assert (hub.item(one).status, hub.item(one).line) == ("Pending", "#db")
    hub.done(hub.complete(three, ada, 1))
    assert (hub.item(one).status, hub.item(four).status) == ("Running", "Pending"), "in its old place"
    hub.done(hub.complete(one, ada, 2))
    assert hub.item(four).status == "Running"
    hub.done(LoseBeacon(hub="h", beacon_id=ada, silent_ms=9))


def test_a_permit_is_not_lost_with_an_item_that_is_canceled_before_it_starts(hub: Hub) -> None:
    from schema.hub.commands import CancelWork

    one, two = hub.enqueue(2, concurrency_key="db")
    hub.done(CancelWork(hub="h", work_item_hash=one))
    hub.register("ada")
    assert hub.item(two).status == "Running"


def test_a_late_beacon_keeps_its_items_which_are_stalled_until_it_is_back(hub: Hub) -> None:
    """Spec 13: stall is silence of the beacon; a late result is no loss."""
    ada = hub.register("ada", slots=2)
    held, done = hub.enqueue(2)
    suspect = SuspectBeacon(hub="h", beacon_id=ada, silent_ms=6_000)
    hub.done(suspect)
    assert hub.refused(suspect) == "conflict"
    (waits,) = hub.enqueue()
    assert (hub.item(held).status, hub.item(waits).status) == ("Stalled", "Pending")
    assert hub.done(hub.complete(done, ada, 1)) == [{"Status": "Completed", "WorkItemHash": done}]
    assert hub.item(waits).status == "Pending"
    hub.done(GreetBeacon(hub="h", beacon_id=ada))
    assert (hub.item(held).status, hub.item(waits).status, hub.attempts(held)) == ("Running", "Running", [(1, "Running")])
    assert [kind for _, kind, _ in hub.history(held)] == ["enqueued", "dispatched", "stalled", "unstalled"]


def test_each_change_of_liveness_is_told_once(hub: Hub) -> None:
    ada = hub.register("ada")
    hub.done(SuspectBeacon(hub="h", beacon_id=ada, silent_ms=1), LoseBeacon(hub="h", beacon_id=ada, silent_ms=2))
    hub.done(GreetBeacon(hub="h", beacon_id=ada))
    hub.register("ada")
    hub.done(DeregisterBeacon(hub="h", beacon_id=ada))
    hub.register("ada")
    told = [orjson.loads(entry[b"e"]) for _, entry in hub.kernel.redis.xrange(keys.events("beacon"))]
    changes = [(e["Payload"]["From"], e["Payload"]["To"], e["Payload"]["Reason"]) for e in told if e["Topic"] == "observer.beacon.liveness_changed"]
    assert changes == [
        ("Alive", "Suspect", "heartbeat_late"),
        ("Suspect", "Dead", "heartbeat_timeout"),
        ("Dead", "Alive", "contact"),
        ("Alive", "Dead", "deregistered"),
        ("Dead", "Alive", "registered"),
    ]


def test_progress_of_a_stalled_item_shows_that_it_goes_on(hub: Hub) -> None:
    """Spec 13, 12.2: progress is never refused to who holds the item."""
    ada = hub.register("ada")
    (hash,) = hub.enqueue()
    hub.done(SuspectBeacon(hub="h", beacon_id=ada, silent_ms=1))
    hub.done(hub.progress(hash, ada, 1, percent=5.0))
    assert hub.item(hash).status == "Running"
