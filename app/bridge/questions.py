"""How a hub's persistence stands: from our own tables, and from what the mirror last said of itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from app.broker import broker
from app.reading import ask
from schema import envelope as keys
from schema.bridge.tables import assignment, assignment_event
from schema.bridge.wire import persistence_record
from schema.ledger.tables import change, feed
from schema.outcome import Refused

#: Changes that are counted exactly; more of them are told as this many.
COUNTED = 10_000
EVENTS = 20
#: What is answered where the rows are kept nowhere else.
NOWHERE = Refused("conflict", "This hub's rows are kept nowhere else.", {"Success": False})

_HUB: sa.BindParameter[str] = sa.bindparam("of_hub")
_STANDING = sa.select(assignment, feed.c.last).join(feed, feed.c.hub == assignment.c.hub, isouter=True).where(assignment.c.hub == _HUB)
_WAITING = (
    sa.select(change.c.changed_at).where(change.c.hub == _HUB, change.c.number > sa.bindparam("after")).order_by(change.c.number).limit(COUNTED)
).subquery()
_LAG = sa.select(sa.func.count().label("count"), sa.func.min(_WAITING.c.changed_at).label("oldest")).select_from(_WAITING)
_OTHERS = sa.select(assignment.c.hub).where(assignment.c.connection_id == sa.bindparam("in_id"), assignment.c.hub != _HUB).order_by(assignment.c.hub)
_USERS = (
    sa.select(assignment.c.connection_id, assignment.c.hub)
    .where(assignment.c.connection_id.in_(sa.bindparam("ids", expanding=True)), assignment.c.hub != _HUB)
    .order_by(assignment.c.hub)
)
_EVENTS = sa.select(assignment_event).where(assignment_event.c.hub == _HUB).order_by(assignment_event.c.id.desc()).limit(EVENTS)


def users(connections: Sequence[int], but: str) -> dict[int, list[str]]:
    """Which other hubs keep their rows in which of these connections."""
    found: dict[int, list[str]] = {}
    for row in ask(_USERS, {"ids": list(connections), "of_hub": but}) if connections else ():
        found.setdefault(row["connection_id"], []).append(row["hub"])
    return found


def standing(hub: str) -> sa.RowMapping | None:
    """The hub's assignment, None when it never had one."""
    return next(iter(ask(_STANDING, {"of_hub": hub})), None)


def events(hub: str) -> list[sa.RowMapping]:
    """The newest moves from one state to another."""
    return list(ask(_EVENTS, {"of_hub": hub}))


def persistence(hub: str) -> dict[str, Any]:
    """State, lag and rows over there."""
    row = standing(hub)
    if row is None or not row["connection_id"]:
        return persistence_record(hub, row, None, None, {}, [])
    said: Any = broker().quick.hmget(keys.mirror(hub), "connection", "position", "counts", "neighbours")
    known = said[0] is not None and int(said[0]) == row["connection_id"]
    position, counts = (int(said[1]), orjson.loads(said[2])) if known else (0, {})
    lag: Any = ask(_LAG, {"of_hub": hub, "after": position})[0]
    count, oldest = lag["count"], lag["oldest"]
    seconds = (datetime.now(UTC) - _moment(oldest)).total_seconds() if oldest is not None else 0.0
    others = {other["hub"] for other in ask(_OTHERS, {"of_hub": hub, "in_id": row["connection_id"]})}
    connection, met = orjson.loads(said[3]) if said[3] else (0, [])
    others |= set(met) if connection == row["connection_id"] else set()
    return persistence_record(hub, row, int(count), round(max(seconds, 0.0), 1), counts, sorted(others))


def _moment(value: datetime | str) -> datetime:
    """A time that a function of SQL has given back, on SQLite as text."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
