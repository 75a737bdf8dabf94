"""What is asked about schedules. Lists are read page by page along a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from schema.runs.tables import occurrence, operation, schedule, scheduling

Row = Mapping[Any, Any]
Rows = Sequence[Row]

_COUNT = sa.select(sa.func.count()).select_from(schedule).where(schedule.c.hub == sa.bindparam("of_hub"))
_STOPPED = sa.exists().where(scheduling.c.hub == sa.bindparam("of_hub"), scheduling.c.running.is_(False))
_moment = occurrence.alias()
#: One step along the index for each schedule.
_NEWEST = sa.select(sa.func.max(_moment.c.due_at)).where(_moment.c.schedule_guid == schedule.c.guid)
_IS_NEWEST = sa.and_(occurrence.c.schedule_guid == schedule.c.guid, occurrence.c.due_at == _NEWEST.correlate(schedule).scalar_subquery())
_IS_THERE = sa.and_(operation.c.hub == schedule.c.hub, operation.c.hash == schedule.c.operation_hash, operation.c.deleted_at.is_(None))
_MOMENT = [occurrence.c[name] for name in ("schedule_guid", "due_at", "status", "reason", "run_hash", "fired_at", "ended_at")]
_SHOWN = sa.select(schedule, operation.c.name.label("operation_name"), *_MOMENT).outerjoin(operation, _IS_THERE).outerjoin(occurrence, _IS_NEWEST)
_STATE = sa.select(_COUNT.scalar_subquery().label("entries"), _STOPPED.label("stopped"))


def schedules(hub: str, limit: int, after: str | None, operation: str = "") -> Rows:
    """Schedules by their GUID."""
    return ask(_page(sa.select(schedule), hub, limit, after, operation))


def schedules_shown(hub: str, limit: int, after: str | None, operation: str = "") -> Rows:
    """The same, each with its newest moment and the name of its operation; both are empty where there is none."""
    return ask(_page(_SHOWN, hub, limit, after, operation))


def _page(found: sa.Select[Any], hub: str, limit: int, after: str | None, operation: str) -> sa.Select[Any]:
    found = found.where(schedule.c.hub == hub).order_by(schedule.c.guid).limit(limit)
    if operation:
        found = found.where(schedule.c.operation_hash == operation)
    return found if after is None else found.where(schedule.c.guid > after)


def schedule_by_guid(hub: str, guid: str) -> Row | None:
    found = next(iter(ask(sa.select(schedule).where(schedule.c.guid == guid))), None)
    return found if found is not None and found["hub"] == hub else None


def occurrences(guid: str, limit: int, before: datetime | None) -> Rows:
    """Moments of a schedule, newest first; `before` is the moment of the last one seen."""
    found = sa.select(occurrence).where(occurrence.c.schedule_guid == guid).order_by(occurrence.c.due_at.desc()).limit(limit)
    return ask(found if before is None else found.where(occurrence.c.due_at < before))


def state(hub: str) -> tuple[int, bool]:
    """How many schedules there are, and whether they are looked at."""
    (row,) = ask(_STATE, {"of_hub": hub})
    return row["entries"], not row["stopped"]
