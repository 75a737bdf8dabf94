"""Why items wait: the facts, gathered with a few flat questions, for one item or for a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import sqlalchemy as sa

from app.broker import broker
from app.reading import ask, plain
from schema import envelope as keys
from schema.hub.commands import HUB
from schema.hub.ids import named_id
from schema.hub.rules import lines
from schema.hub.rules.lifecycle import HELD, QUEUED
from schema.hub.rules.why import Candidate, Limit, Situation, blocking_reason, eligible, why
from schema.hub.tables import IS_PENDING, affinity, beacon, pause, permit, work_item
from schema.sql import to_wire

Row = Mapping[Any, Any]

#: Items ahead that are counted; more are not told apart.
COUNTED = 10_000

_BEACONS = sa.select(
    *(beacon.c[name] for name in ("beacon_id", "name", "status", "capabilities", "actions", "max_concurrent", "paused_at")),
).where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered")
_LOADS = (
    sa.select(work_item.c.assigned_beacon_id, sa.func.count().label("load"))
    .where(work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status.in_(HELD))
    .group_by(work_item.c.assigned_beacon_id)
)
_PAUSED = sa.select(pause.c.capability).where(pause.c.hub == sa.bindparam("of_hub"))
_BOUND = sa.select(affinity.c.affinity_key, affinity.c.beacon_id, affinity.c.expires_at).where(affinity.c.id.in_(sa.bindparam("ids", expanding=True)))
_PERMIT = sa.select(permit.c.held).where(permit.c.id == sa.bindparam("id"))
_BEFORE = (work_item.c.rank < sa.bindparam("of_rank")) | (
    (work_item.c.rank == sa.bindparam("of_rank")) & (work_item.c.ticket < sa.bindparam("of_ticket"))
)
_AHEAD = sa.select(sa.func.count()).select_from(
    sa.select(sa.literal(1))
    .where(work_item.c.hub == sa.bindparam("of_hub"), IS_PENDING, work_item.c.line == sa.bindparam("of_line"), _BEFORE)
    .limit(COUNTED + 1)
    .subquery()
)


@dataclass(frozen=True, slots=True)
class House:
    """What decides about all items alike: the beacons with what they hold, and what the operator has paused."""

    beacons: Sequence[Row]
    loads: Mapping[str, int]
    paused: frozenset[str]
    bound: Mapping[str, str]

    def candidates(self, item: Row) -> list[Candidate]:
        return [_candidate(row, item, self.loads.get(row["beacon_id"], 0)) for row in self.beacons]


def house_of(hub: str, items: Sequence[Row]) -> House:
    """The house as these items need to know it."""
    affinity_keys = {item["affinity_key"] for item in items if item["affinity_key"]}
    bound = ask(_BOUND, {"ids": [named_id(hub, key) for key in sorted(affinity_keys)]}) if affinity_keys else []
    now = datetime.now(UTC)
    return House(
        beacons=plain(_BEACONS, {"of_hub": hub}),
        loads={row["assigned_beacon_id"]: row["load"] for row in ask(_LOADS, {"of_hub": hub})},
        paused=frozenset(row["capability"] for row in ask(_PAUSED, {"of_hub": hub})),
        bound={row["affinity_key"]: row["beacon_id"] for row in bound if row["expires_at"] is None or row["expires_at"] > now},
    )


def situation_of(item: Row, house: House, **more: Any) -> Situation:
    """The item among what the house tells; `more` are facts that only one item is worth asking for."""
    return Situation(
        status=item["status"],
        capability=item["capability"],
        action=item["action"],
        affinity_key=item["affinity_key"],
        strict=item["require_affinity_match"],
        bound=house.bound.get(item["affinity_key"]),
        capability_paused=item["capability"] in house.paused,
        candidates=house.candidates(item),
        **more,
    )


def why_record(hub: str, item: Row) -> dict[str, Any]:
    """All facts about one item."""
    waits = item["status"] in QUEUED
    situation = _waiting(hub, item) if waits else Situation(status=item["status"], capability=item["capability"], told=_told(item))
    facts = why(situation)
    return {
        "WorkItemHash": item["work_item_hash"],
        "Status": item["status"],
        "Waiting": waits,
        "Summary": facts[0].sentence,
        "BlockingReason": blocking_reason(situation) if waits else None,
        "EligibleBeacons": [candidate.beacon_id for candidate in eligible(situation)] if waits else [],
        "Facts": [{"Code": f.code, "Blocks": f.blocks, "Sentence": f.sentence, "Advice": f.advice, "Numbers": f.numbers} for f in facts],
    }


def _waiting(hub: str, item: Row) -> Situation:
    entries, lag = lanes([HUB.of(hub)]).get(HUB.of(hub), (0, 0))
    due = None if item["due_at"] is None else max(0, int((item["due_at"] - datetime.now(UTC)).total_seconds() * 1000))
    ahead = _ahead(hub, item) if item["status"] == "Pending" else 0
    more = {"ahead": min(ahead, COUNTED), "more_ahead": ahead > COUNTED, "lane": entries, "lane_ms": lag}
    return situation_of(item, house_of(hub, [item]), due_ms=due, limit=_limit(hub, item), **more)


def _ahead(hub: str, item: Row) -> int:
    found = ask(_AHEAD, {"of_hub": hub, "of_line": item["line"], "of_rank": item["rank"], "of_ticket": item["ticket"]})
    return int(next(iter(found[0].values())))


def _limit(hub: str, item: Row) -> Limit | None:
    key = item["concurrency_key"]
    if not key or item["status"] != "Pending":
        return None
    held = next((row["held"] for row in ask(_PERMIT, {"id": named_id(hub, key)})), 0)
    return Limit(key, held, item["concurrency_limit"], lines.is_keyed(item["line"]))


def lanes(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many commands wait in each lane, and for how many milliseconds the oldest has, by the broker's own clock; nothing without a broker."""
    pipe = broker().quick.pipeline(transaction=False)
    pipe.time()
    for name in names:
        pipe.xlen(keys.journal(name))
        pipe.xrange(keys.journal(name), count=1)
    try:
        (seconds, micros), *found = pipe.execute()
    except redis.RedisError:
        return {}
    now = seconds * 1000 + micros // 1000
    return {
        name: (length, max(0, now - int(first[0][0].partition(b"-")[0])) if first else 0)
        for name, length, first in zip(names, found[::2], found[1::2], strict=True)
    }


def _candidate(row: Row, item: Row, load: int) -> Candidate:
    listed = (row["actions"] or {}).get(item["capability"])
    capable = item["capability"] in row["capabilities"]
    return Candidate(
        beacon_id=row["beacon_id"],
        name=row["name"],
        capable=capable,
        able=capable and (listed is None or item["action"] in listed),
        online=row["status"] == "Online",
        free=max(0, row["max_concurrent"] - load),
        slots=row["max_concurrent"],
        paused=row["paused_at"] is not None,
    )


def _told(item: Row) -> dict[str, Any]:
    """Of a running or ended item: who, since when, until when, and how it ended."""
    told = {"BeaconID": item["assigned_beacon_id"], "AttemptNumber": item["attempt_number"], "Since": to_wire(item["dispatched_at"])}
    if item["status"] in HELD:
        limited = item["timeout_ms"] and item["dispatched_at"]
        until = item["dispatched_at"] + timedelta(milliseconds=item["timeout_ms"]) if limited else None
        return told | {"TimeoutAt": to_wire(until), "CancelRequested": item["cancel_requested"]}
    ended = item["canceled_at"] if item["status"] == "Canceled" else item["completed_at"]
    return told | {"Outcome": item["status"], "EndedAt": to_wire(ended), "LastError": item["last_error"], "CancelReason": item["cancel_reason"]}
