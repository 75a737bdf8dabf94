"""What is asked about schedules. Lists are read page by page along a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from schema.runs.tables import occurrence, schedule, scheduling

Row = Mapping[Any, Any]
Rows = Sequence[Row]

_COUNT = sa.select(sa.func.count()).select_from(schedule).where(schedule.c.hub == sa.bindparam("of_hub"))
_STOPPED = sa.exists().where(scheduling.c.hub == sa.bindparam("of_hub"), scheduling.c.running.is_(False))
_STATE = sa.select(_COUNT.scalar_subquery().label("entries"), _STOPPED.label("stopped"))


def schedules(hub: str, limit: int, after: str | None, operation: str = "") -> Rows:
    """Schedules by their GUID."""
    found = sa.select(schedule).where(schedule.c.hub == hub).order_by(schedule.c.guid).limit(limit)
    if operation:
        found = found.where(schedule.c.operation_hash == operation)
    return ask(found if after is None else found.where(schedule.c.guid > after))


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
