"""Look after beacons and the clock: who is silent, who is back, what is due, what never arrived. Finds; the lane changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import redis
import sqlalchemy as sa

from schema import envelope as keys
from schema.base import Command
from schema.hub.commands import GreetBeacon, LoseBeacon, OfferAgain, SuspectBeacon, Tick
from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.presence import Contact, judge_presence
from schema.hub.tables import affinity, beacon, unique_item, work_item
from tasks.kernel import Kernel
from tasks.sweep import ask
from tasks.unit import look

#: A gap in watching that is longer than this says nothing about the beacons: nobody could reach us, or nobody looked.
GAP_MS = 3_000
#: An item whose holder is alive and does not mention it is offered again after this time, and not more often.
OFFER_AFTER_MS = 5_000
#: Items looked at for a new offer in one round.
MOST = 2_000

_BEACONS = sa.select(beacon.c.beacon_id, beacon.c.status, beacon.c.presence_ms, beacon.c.registered_at).where(
    beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered"
)
_DUE = sa.select(sa.literal(1)).where(
    sa.or_(
        sa.exists().where(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.due_at <= sa.bindparam("now")),
        sa.exists().where(affinity.c.hub == sa.bindparam("of_hub"), affinity.c.expires_at <= sa.bindparam("now")),
        sa.exists().where(unique_item.c.hub == sa.bindparam("of_hub"), unique_item.c.expires_at <= sa.bindparam("now")),
    )
)
_RUNNING = (
    sa.select(work_item.c.work_item_hash, work_item.c.attempt_number, work_item.c.assigned_beacon_id, work_item.c.dispatched_at)
    .where(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status.in_(HELD), work_item.c.dispatched_at < sa.bindparam("before"))
    .limit(MOST)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at rows and contacts. Times in milliseconds since 1970."""

    now: datetime
    since: int
    beacons: list[Any]
    contacts: dict[str, int]
    hands: dict[str, tuple[int, set[tuple[str, int]]]]
    running: list[Any]
    due: bool


def presence(kernel: Kernel) -> list[Command]:
    """Append what the look calls for. Returns it."""
    hub = kernel.settings.hub
    seen = _look(kernel, hub)
    commands = [*_changes(hub, seen), *_offers(kernel.redis, hub, seen)]
    if seen.due:
        commands.append(Tick(hub=hub))
    ask(kernel, *commands)
    return commands


def _look(kernel: Kernel, hub: str) -> Seen:
    now = kernel.now()
    since = _watched_since(kernel.redis, hub, now)
    pipe = kernel.redis.pipeline(transaction=False)
    pipe.hgetall(keys.presence(hub))
    pipe.hgetall(keys.hands(hub))
    contacts, hands = pipe.execute()
    said = {id.decode(): orjson.loads(text) for id, text in hands.items()}
    with look(kernel.engine) as connection:
        beacons = list(connection.execute(_BEACONS, {"of_hub": hub}))
        due = connection.execute(_DUE, {"of_hub": hub, "now": now}).first() is not None
        before = now - timedelta(milliseconds=OFFER_AFTER_MS)
        running = list(connection.execute(_RUNNING, {"of_hub": hub, "before": before})) if said else []
    return Seen(
        now=now,
        since=since,
        beacons=beacons,
        contacts={id.decode(): int(at) for id, at in contacts.items()},
        hands={id: (at, {(hash, attempt) for hash, attempt in items}) for id, (at, items) in said.items()},
        running=running,
        due=due,
    )


def _watched_since(client: redis.Redis, hub: str, now: datetime) -> int:
    """Since when silence counts. A stopped worker, an unreachable or emptied broker start the time anew: no beacon is lost by our own absence."""
    stamp = int(now.timestamp() * 1000)
    raw: Any = client.get(keys.watch(hub))
    since, last = orjson.loads(raw) if raw else (stamp, stamp)
    if not 0 <= stamp - last <= GAP_MS:
        since = stamp
    client.set(keys.watch(hub), orjson.dumps([since, stamp]))
    return int(since)


def _changes(hub: str, seen: Seen) -> Iterator[Command]:
    now = int(seen.now.timestamp() * 1000)
    for row in seen.beacons:
        registered = int(row.registered_at.timestamp() * 1000)
        contact = Contact(row.status, seen.contacts.get(row.beacon_id), seen.since, row.presence_ms, registered)
        verdict = judge_presence(contact, now)
        if verdict == "lost":
            yield LoseBeacon(hub=hub, beacon_id=row.beacon_id, silent_ms=now - _heard(contact))
        elif verdict == "late":
            yield SuspectBeacon(hub=hub, beacon_id=row.beacon_id, silent_ms=now - _heard(contact))
        elif verdict == "back":
            yield GreetBeacon(hub=hub, beacon_id=row.beacon_id)


def _heard(contact: Contact) -> int:
    """When the beacon was last there."""
    last = contact.last or 0
    return -last if last < 0 else max(last, contact.watched_since)


def _offers(client: redis.Redis, hub: str, seen: Seen) -> Iterator[Command]:
    """Items that their living holder does not mention and that do not wait in its inbox."""
    missing = []
    for row in seen.running:
        at, hand = seen.hands.get(row.assigned_beacon_id, (0, set()))
        told_after_ms = at - int(row.dispatched_at.timestamp() * 1000)
        if told_after_ms > GAP_MS and (row.work_item_hash, row.attempt_number) not in hand:
            missing.append(row)
    if not missing:
        return
    boxes = {id: _inbox(client, hub, id) for id in {row.assigned_beacon_id for row in missing}}
    offers = [
        (row.work_item_hash, row.attempt_number)
        for row in missing
        if row.work_item_hash not in boxes[row.assigned_beacon_id] and client.set(keys.offered(row.work_item_hash), "1", nx=True, px=OFFER_AFTER_MS)
    ]
    if offers:
        yield OfferAgain(hub=hub, items=offers)


def _inbox(client: redis.Redis, hub: str, beacon_id: str) -> set[str]:
    messages: Any = client.lrange(keys.inbox(hub, beacon_id), 0, -1)
    return {orjson.loads(message).get("WorkItemHash") for message in messages}
