"""Give waiting items to free beacons: the one place where an attempt begins, once per batch.

A dispatch reads windows: of each line that a free beacon may take from, as many of the first as there are free slots. So its cost is
bounded by the slots, not by the backlog. Who stands in a window and cannot go is moved to another line, once; then the next ones
come into the window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import sqlalchemy as sa

from schema import envelope as keys
from schema.hub.commands import DispatchWork
from schema.hub.rules.assign import Hand, Plan, Waiting, assign
from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.windows import windows_of
from schema.hub.tables import beacon, pause, work_attempt, work_item
from schema.hub.wire import item_for_beacon
from schema.outcome import Done, Outcome
from tasks.hub import affinity, places, tally
from tasks.hub.items import moment, record, update
from tasks.hub.windows import first_of
from tasks.rows import Row
from tasks.unit import Unit

#: Items given out by one dispatch at most, and about as many are looked at in one round; the rest is left to another one, which this
#: one orders by itself.
MOST = 1_000
#: Looks of one dispatch: each moves those out of the way who cannot go.
ROUNDS = 4

_OF_HUB = beacon.c.hub == sa.bindparam("of_hub")
#: Whether somebody stands in the beacon's own line.
_CALLED = sa.exists().where(
    work_item.c.hub == beacon.c.hub, work_item.c.status == sa.literal_column("'Pending'"), work_item.c.line == sa.literal("@").concat(beacon.c.name)
)
_LOADS = (
    sa.select(work_item.c.assigned_beacon_id, sa.func.count().label("load"))
    .where(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status.in_([sa.literal_column(f"'{status}'") for status in HELD]))
    .group_by(work_item.c.assigned_beacon_id)
    .subquery()
)
_BEACONS = (
    sa.select(
        *(beacon.c[name] for name in ("beacon_id", "name", "status", "capabilities", "actions", "max_concurrent", "paused_at")),
        _CALLED.label("called"),
        sa.func.coalesce(_LOADS.c.load, 0).label("load"),
    )
    .select_from(beacon.outerjoin(_LOADS, _LOADS.c.assigned_beacon_id == beacon.c.beacon_id))
    .where(_OF_HUB, beacon.c.status != "Deregistered")
)
_PAUSED = sa.select(pause.c.capability).where(pause.c.hub == sa.bindparam("of_hub"))


def dispatch_work(command: DispatchWork, unit: Unit) -> Outcome:
    """Dispatch once more."""
    unit.at_end(dispatch, command.hub)
    return Done()


def dispatch(unit: Unit, hub: str) -> None:
    """Ask the rule for all free slots of the hub, and start what it assigns."""
    places.serve(unit)
    waiting = tally.standing(unit, hub, ("Pending",))
    if not waiting:
        return
    hands, called = _hands(unit, hub)
    off = frozenset(unit.read(_PAUSED, {"of_hub": hub}).scalars()) if any(hand.free for hand in hands) else frozenset()
    for _ in range(ROUNDS):
        windows, cut = windows_of(hands, called, waiting, off, MOST)
        if not windows:
            return
        found = first_of(unit, hub, windows)
        plan = _plan(unit, hub, found, hands, off)
        moved = _carry_out(unit, hub, plan, found, hands)
        if not moved and not (cut and plan.assignments):
            return
        hands = _less(hands, plan)
    unit.order(DispatchWork(hub=hub))


def _hands(unit: Unit, hub: str) -> tuple[list[Hand], set[str]]:
    """The registered beacons, and the ids of those for whom somebody waits in their own line."""
    hands, called = [], set()
    for row in unit.read(_BEACONS, {"of_hub": hub}):
        free = max(0, row.max_concurrent - row.load) if row.status == "Online" and row.paused_at is None else 0
        hands.append(Hand(row.beacon_id, row.name, frozenset(row.capabilities), free, row.load, row.actions or {}))
        if row.called:
            called.add(row.beacon_id)
    return hands, called


def _plan(unit: Unit, hub: str, found: Sequence[Row], hands: Sequence[Hand], off: frozenset[str]) -> Plan:
    waiting = [Waiting(*(item[name] for name in _WAITING)) for item in found]
    return assign(waiting, hands, affinity.bindings(unit, hub, {item.affinity_key for item in waiting}), off)


_WAITING = ("work_item_hash", "capability", "action", "affinity_key", "require_affinity_match")


def _less(hands: Sequence[Hand], plan: Plan) -> list[Hand]:
    """The hands with what the plan has given them."""
    given = Counter(assignment.beacon_id for assignment in plan.assignments)
    return [replace(hand, free=hand.free - n, load=hand.load + n) if (n := given[hand.beacon_id]) else hand for hand in hands]


def _carry_out(unit: Unit, hub: str, plan: Plan, found: Sequence[Row], hands: Sequence[Hand]) -> int:
    """Start what is assigned, bind what is bound, move what stands in the way. Returns how many were moved."""
    items = {item["work_item_hash"]: item for item in found}
    names = {hand.beacon_id: hand.name for hand in hands}
    for assignment in plan.assignments:
        start(unit, items[assignment.work_item_hash], assignment.beacon_id)
    runs = {item["affinity_key"]: item["run_hash"] for item in reversed(found) if item["affinity_key"]}
    for key, beacon_id in plan.bound.items():
        affinity.bind(unit, hub, key, (beacon_id, names[beacon_id]), runs[key])
    moved = {hash: line for hash, line in plan.parked.items() if items[hash]["line"] != line}
    for hash, line in moved.items():
        update(unit, items[hash], line=line)
    return len(moved)


def start(unit: Unit, item: Row, beacon_id: str) -> None:
    """Status, fence, attempt, event and delivery of one assignment."""
    hub, attempt, seq = item["hub"], item["attempt_number"] + 1, item["seq"] + 1
    waited = max(0, int((unit.now - (item["ready_at"] or item["enqueued_at"])).total_seconds() * 1000))
    started = {"status": "Running", "assigned_beacon_id": beacon_id, "attempt_number": attempt, "seq": seq, "queue_wait_ms": waited}
    due = unit.now + timedelta(milliseconds=item["timeout_ms"]) if item["timeout_ms"] else None
    times = {"dispatched_at": unit.now, "started_at": unit.now, "last_event_at": unit.now, "due_at": due}
    update(unit, item, **started, **times, progress=None)
    begun = {"work_item_hash": item["work_item_hash"], "attempt_number": attempt, "hub": hub, "beacon_id": beacon_id}
    unit.add(work_attempt, begun | {"started_at": unit.now, "outcome": "Running", "error": ""})
    told = {"Capability": item["capability"], "Action": item["action"], "QueueWaitMs": waited, "AttemptNumber": attempt}
    record(unit, item, seq, "dispatched", item["status"], "Running", told | {"DispatchedAt": moment(unit)}, beacon_id)
    unit.deliver(keys.inbox(hub, beacon_id), orjson.dumps(item_for_beacon(item, attempt, unit.now, waited)))
