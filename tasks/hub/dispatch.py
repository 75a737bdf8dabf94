"""Give waiting items to free beacons: the one place where an attempt begins, once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import orjson
import sqlalchemy as sa

from schema import envelope as keys
from schema.hub.rules.assign import Hand, Waiting, assign
from schema.hub.tables import beacon, work_attempt, work_item
from schema.hub.wire import item_for_beacon
from tasks.hub.items import moment, record, update
from tasks.rows import Row
from tasks.unit import Unit

#: Items given out by one transaction at most; what is left waits for the next, which this one orders by itself.
MOST = 1_000

_BEACONS = sa.select(beacon.c.beacon_id, beacon.c.name, beacon.c.status, beacon.c.capabilities, beacon.c.max_concurrent).where(
    beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered"
)
_LOADS = (
    sa.select(work_item.c.assigned_beacon_id, sa.func.count().label("load"))
    .where(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status == "Running")
    .group_by(work_item.c.assigned_beacon_id)
)
_PENDING = sa.and_(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status == "Pending")
_ORDER = (work_item.c.rank, work_item.c.ticket)
#: Items of one capability that want no particular beacon.
_FREE_ITEMS = (
    sa.select(work_item)
    .where(_PENDING, work_item.c.capability == sa.bindparam("of_capability"), work_item.c.affinity_key == "", ~work_item.c.require_affinity_match)
    .order_by(*_ORDER)
    .limit(sa.bindparam("most"))
)
#: Items with an affinity key: those whose beacon is free, and those whose key names no beacon and need not.
_KEYED_ITEMS = (
    sa.select(work_item)
    .where(
        _PENDING,
        work_item.c.affinity_key > "",
        sa.or_(
            work_item.c.affinity_key.in_(sa.bindparam("free_names", expanding=True)),
            sa.and_(
                work_item.c.affinity_key.not_in(sa.bindparam("all_names", expanding=True)),
                ~work_item.c.require_affinity_match,
                work_item.c.capability.in_(sa.bindparam("capabilities", expanding=True)),
            ),
        ),
    )
    .order_by(*_ORDER)
    .limit(sa.bindparam("most"))
)


def dispatch(unit: Unit, hub: str) -> None:
    """Ask the rule once for all free slots of the hub, and start what it assigns."""
    hands = _hands(unit, hub)
    slots = sum(hand.free for hand in hands)
    if not slots:
        return
    items = _waiting(unit, hub, hands, min(slots, MOST))
    if not items:
        return
    by_hash = {item["work_item_hash"]: item for item in items}
    waiting = [Waiting(i["work_item_hash"], i["capability"], i["priority"], i["affinity_key"], i["require_affinity_match"]) for i in items]
    assignments = assign(waiting, hands)
    if assignments:
        _start(unit, hub, [(by_hash[a.work_item_hash], a.beacon_id) for a in assignments])


def _hands(unit: Unit, hub: str) -> list[Hand]:
    loads = {row.assigned_beacon_id: row.load for row in unit.read(_LOADS, {"of_hub": hub})}
    hands = []
    for row in unit.read(_BEACONS, {"of_hub": hub}):
        load = loads.get(row.beacon_id, 0)
        free = max(0, row.max_concurrent - load) if row.status == "Online" else 0
        hands.append(Hand(row.beacon_id, row.name, frozenset(row.capabilities), free, load))
    return hands


def _waiting(unit: Unit, hub: str, hands: Sequence[Hand], most: int) -> list[Row]:
    """Candidates in dispatch order: for every free slot at least one item that could take it, if there is one."""
    free = [hand for hand in hands if hand.free]
    capabilities = sorted({capability for hand in free for capability in hand.capabilities})
    found: dict[str, Row] = {}
    for capability in capabilities:
        slots = min(most, sum(hand.free for hand in free if capability in hand.capabilities))
        for item in unit.read(_FREE_ITEMS, {"of_hub": hub, "of_capability": capability, "most": slots}).mappings():
            found[item["work_item_hash"]] = item
    names = {"free_names": [hand.name for hand in free], "all_names": [hand.name for hand in hands], "capabilities": capabilities}
    for item in unit.read(_KEYED_ITEMS, {"of_hub": hub, "most": most, **names}).mappings():
        found[item["work_item_hash"]] = item
    return sorted(found.values(), key=lambda item: (item["rank"], item["ticket"]))


def _start(unit: Unit, hub: str, pairs: Sequence[tuple[Row, str]]) -> None:
    """Status, fence, attempt, event and delivery of each assignment."""
    for item, beacon_id in pairs:
        attempt, seq = item["attempt_number"] + 1, item["seq"] + 1
        waited = max(0, int((unit.now - item["enqueued_at"]).total_seconds() * 1000))
        started = {"status": "Running", "assigned_beacon_id": beacon_id, "attempt_number": attempt, "seq": seq, "queue_wait_ms": waited}
        due = unit.now + timedelta(milliseconds=item["timeout_ms"]) if item["timeout_ms"] else None
        times = {"dispatched_at": unit.now, "started_at": unit.now, "last_event_at": unit.now, "due_at": due}
        update(unit, item, **started, **times, progress=None)
        begun = {"work_item_hash": item["work_item_hash"], "attempt_number": attempt, "hub": hub, "beacon_id": beacon_id}
        unit.add(work_attempt, begun | {"started_at": unit.now, "outcome": "Running", "error": ""})
        told = {"Capability": item["capability"], "Action": item["action"], "QueueWaitMs": waited, "AttemptNumber": attempt}
        record(unit, item, seq, "dispatched", item["status"], "Running", told | {"DispatchedAt": moment(unit)}, beacon_id)
        unit.deliver(keys.inbox(hub, beacon_id), orjson.dumps(item_for_beacon(item, attempt, unit.now, waited)))
