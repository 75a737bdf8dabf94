"""Who is silent, who is back, what is due, what never arrived."""

from __future__ import annotations

from datetime import timedelta

import orjson

from schema import envelope as keys
from schema.hub.commands import GreetBeacon, LoseBeacon, OfferAgain, SuspectBeacon, Tick
from tasks.hub.presence import GAP_MS, presence
from tests.tasks.hub.conftest import Hub


def stamp(hub: Hub) -> int:
    return int(hub.clock().timestamp() * 1000)


def hear(hub: Hub, beacon: str, hand: list[tuple[str, int]] | None = None) -> None:
    """What the edge notes when a beacon makes contact."""
    hub.kernel.redis.hset(keys.presence("h"), beacon, stamp(hub))
    if hand is not None:
        hub.kernel.redis.hset(keys.hands("h"), beacon, orjson.dumps([stamp(hub), hand]))


def watch(hub: Hub, seconds: float) -> list[object]:
    """Let the clock run in steps that leave no gap in watching. Returns what the rounds asked for; their commands are carried out."""
    asked: list[object] = []
    end = (hub.clock.ahead or timedelta()) + timedelta(seconds=seconds)
    while (hub.clock.ahead or timedelta()) < end:
        hub.clock.ahead = (hub.clock.ahead or timedelta()) + timedelta(milliseconds=GAP_MS / 2)
        asked += presence(hub.kernel)
        hub.flush()
    return asked


def test_a_silent_beacon_is_lost_once_and_its_item_goes_to_another(hub: Hub) -> None:
    ada = hub.register("ada", presence_ms=10_000)
    hear(hub, ada)
    (hash,) = hub.enqueue()
    assert [type(command) for command in watch(hub, 9)] == [SuspectBeacon]
    assert hub.item(hash).status == "Stalled"
    asked = watch(hub, 3)
    assert [type(command) for command in asked] == [LoseBeacon]
    assert hub.item(hash).status == "Pending"
    assert watch(hub, 6) == []


def test_contact_keeps_a_beacon_and_brings_it_back(hub: Hub) -> None:
    ada = hub.register("ada", presence_ms=10_000)
    for _ in range(4):
        hear(hub, ada)
        assert watch(hub, 4) == []
    watch(hub, 12)
    hear(hub, ada)
    assert [type(command) for command in watch(hub, 2)] == [GreetBeacon]
    assert hub.rows("SELECT status FROM hub_beacon")[0].status == "Online"


def test_our_own_absence_loses_nobody(hub: Hub) -> None:
    """A worker that stood still, a broker that was away or empty: silence is counted anew."""
    ada = hub.register("ada", presence_ms=10_000)
    hear(hub, ada)
    watch(hub, 3)
    hub.clock.ahead += timedelta(hours=1)
    assert presence(hub.kernel) == []
    hub.kernel.redis.flushall()
    assert [type(command) for command in watch(hub, 8)] == [SuspectBeacon]
    assert [type(command) for command in watch(hub, 6)] == [LoseBeacon]


def test_what_is_due_is_asked_for(hub: Hub) -> None:
    ada = hub.register("ada", presence_ms=600_000)
    hear(hub, ada)
    (hash,) = hub.enqueue(timeout_ms=5_000)
    assert watch(hub, 3) == []
    assert Tick(hub="h") in watch(hub, 4)
    assert hub.item(hash).status == "Error"


def test_an_item_that_its_holder_does_not_mention_is_offered_again(hub: Hub) -> None:
    ada = hub.register("ada", presence_ms=600_000)
    lost, kept, waiting = hub.enqueue(3)
    messages = hub.inbox(ada)
    hub.kernel.redis.rpush(keys.inbox("h", ada), orjson.dumps(messages[2]))
    watch(hub, 6)
    hear(hub, ada, [(kept, 1)])
    asked = watch(hub, 3)
    assert asked == [OfferAgain(hub="h", items=[(lost, 1)])]
    assert [offer["WorkItemHash"] for offer in hub.inbox(ada)] == [waiting, lost]


def test_a_beacon_that_never_says_what_it_holds_is_not_offered_anything_again(hub: Hub) -> None:
    ada = hub.register("ada", presence_ms=600_000)
    hub.enqueue()
    hub.inbox(ada)
    hear(hub, ada)
    assert watch(hub, 12) == []
