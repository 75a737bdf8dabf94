"""What observers ask of SQL. Every statement is bounded, and reads by an index from where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.reading import ask, plain
from schema.hub.rules.lifecycle import FINAL, HELD
from schema.hub.tables import IS_PENDING, beacon, probe, work_event, work_item

Rows = Sequence[Any]

#: Events among which the newest ends are looked for.
LOOKED_THROUGH = 1_000

_EVENT_OF_HUB = work_event.c.hub == sa.bindparam("of_hub")
_ITEM_OF_HUB = work_item.c.hub == sa.bindparam("of_hub")

_NEWEST = sa.select(work_event.c.event_guid).where(_EVENT_OF_HUB).order_by(work_event.c.event_guid.desc()).limit(1)
_KNOWS = sa.select(sa.literal(1)).where(_EVENT_OF_HUB, work_event.c.event_guid == sa.bindparam("guid"))
_AFTER = (
    sa.select(work_event)
    .where(_EVENT_OF_HUB, work_event.c.event_guid > sa.bindparam("guid"))
    .order_by(work_event.c.event_guid)
    .limit(sa.bindparam("most"))
)
#: What counts of events need.
_BRIEF = ("work_item_hash", "event_guid", "event_type", "to_status", "emitted_at")
#: What the timeline tells of an event's item.
_OF_ITEM = [work_item.c[name] for name in ("capability", "action", "run_hash", "operation_hash")]
_OF_BEACON = ("beacon_id", "name", "status", "capabilities", "max_concurrent", "bind_addresses", "host_id", "registered_at", "last_contact_at")
_BEACONS = (
    sa.select(*(beacon.c[name] for name in _OF_BEACON))
    .where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered")
    .order_by(beacon.c.beacon_id)
)
_PROBES = sa.select(probe).where(probe.c.hub == sa.bindparam("of_hub"))
_SHORT = [
    work_item.c[name]
    for name in ("work_item_hash", "run_hash", "node_hash", "operation_hash", "capability", "action", "status", "assigned_beacon_id", "dispatched_at")
]
_WANTS = [
    work_item.c[name]
    for name in (
        *("work_item_hash", "run_hash", "operation_hash", "capability", "action", "status", "priority", "enqueued_at"),
        *("affinity_key", "require_affinity_match"),
    )
]
_UPCOMING = sa.select(*_WANTS).where(_ITEM_OF_HUB, IS_PENDING).order_by(work_item.c.rank, work_item.c.ticket).limit(sa.bindparam("most"))
_HELD = sa.select(*_SHORT).where(_ITEM_OF_HUB, work_item.c.status.in_(HELD)).limit(sa.bindparam("most"))
_LATEST = (
    sa.select(work_event.c.work_item_hash, work_event.c.to_status, work_event.c.emitted_at)
    .where(_EVENT_OF_HUB)
    .order_by(work_event.c.emitted_at.desc())
    .limit(LOOKED_THROUGH)
    .subquery()
)
_TIMES = [work_item.c[name] for name in ("completed_at", "canceled_at", "last_error", "cancel_reason")]
_ENDED = (
    sa.select(*_SHORT, *_TIMES, _LATEST.c.emitted_at)
    .select_from(_LATEST.join(work_item, work_item.c.work_item_hash == _LATEST.c.work_item_hash))
    .where(_LATEST.c.to_status.in_(FINAL), work_item.c.status == _LATEST.c.to_status)
    .order_by(_LATEST.c.emitted_at.desc())
)


def newest_guid(hub: str) -> str | None:
    """The last event of the history."""
    return next((str(row["event_guid"]) for row in ask(_NEWEST, {"of_hub": hub})), None)


def knows_event(hub: str, guid: str) -> bool:
    """Whether the history has the event."""
    return bool(ask(_KNOWS, {"of_hub": hub, "guid": guid}))


def events_after(hub: str, guid: str, most: int) -> Rows:
    """The history after an event, in the order of the GUIDs."""
    return ask(_AFTER, {"of_hub": hub, "guid": guid, "most": most})


def events_between(hub: str, begin: datetime, end: datetime | None, after: tuple[datetime, str] | None, most: int, brief: bool = False) -> Rows:
    """The history of a time with what the timeline tells of the items, oldest first; `after` is the event that was read last.

    `brief` leaves out what only whole records need.
    """
    wanted = {"of_hub": hub, "begin": begin, "most": most}
    if end is not None:
        wanted["end"] = end
    if after is not None:
        wanted |= {"at": after[0], "guid": after[1]}
    return ask(_between(end is not None, after is not None, brief), wanted)


@lru_cache(maxsize=8)
def _between(bounded: bool, resumed: bool, brief: bool) -> sa.Select[Any]:
    at, guid = work_event.c.emitted_at, work_event.c.event_guid
    page = sa.select(*(work_event.c[name] for name in _BRIEF) if brief else work_event.c).where(_EVENT_OF_HUB, at >= sa.bindparam("begin"))
    if bounded:
        page = page.where(at < sa.bindparam("end"))
    if resumed:
        page = page.where(at >= sa.bindparam("at"), sa.or_(at > sa.bindparam("at"), guid > sa.bindparam("guid")))
    events = page.order_by(at, guid).limit(sa.bindparam("most")).subquery()
    joined = events.outerjoin(work_item, work_item.c.work_item_hash == events.c.work_item_hash)
    columns = [work_item.c[name] for name in ("capability", "run_hash")] if brief else _OF_ITEM
    return sa.select(events, *columns).select_from(joined).order_by(events.c.emitted_at, events.c.event_guid)


def beacons(hub: str) -> Rows:
    """Every registered beacon."""
    return plain(_BEACONS, {"of_hub": hub})


def probes(hub: str) -> Rows:
    """What came of the tries to reach beacons."""
    return ask(_PROBES, {"of_hub": hub})


def upcoming(hub: str, most: int) -> Rows:
    """Waiting items in the order of dispatch."""
    return plain(_UPCOMING, {"of_hub": hub, "most": most})


def held(hub: str, most: int) -> Rows:
    """Items that somebody works on."""
    return plain(_HELD, {"of_hub": hub, "most": most})


def ended(hub: str) -> Rows:
    """Items that have ended lately, the last one first: those among the newest events."""
    return ask(_ENDED, {"of_hub": hub})
