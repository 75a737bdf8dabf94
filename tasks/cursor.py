"""How far a lane has been applied: read under a lock, moved by compare-and-swap in the transaction of the batch."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import exc

from schema.among import among
from schema.ledger.tables import cursor, feed
from tasks.failures import LostCursor
from tasks.prepared import Prepared

#: The position of a lane that has applied nothing in this epoch.
START = "0-0"

_MINE = (cursor.c.lane == sa.bindparam("in_lane")) & (cursor.c.epoch == sa.bindparam("in_epoch"))
#: Of all lives of the broker: a flush of a former life, frozen in the middle, must keep the flush of this life waiting.
_READER = sa.select(feed.c.reader).where(feed.c.hub == sa.bindparam("of_hub"))
_STAND = sa.select(cursor.c.epoch, cursor.c.position, _READER.scalar_subquery().label("reader"))
_POSITIONS = Prepared(_STAND.where(cursor.c.lane == sa.bindparam("in_lane")).order_by(cursor.c.epoch).with_for_update(of=cursor))
_POSITION = Prepared(_STAND.where(_MINE))
_ALL = sa.select(cursor.c.lane, cursor.c.position).where(cursor.c.epoch == sa.bindparam("in_epoch"))
_SOME = _ALL.where(among(cursor.c.lane, "lanes"))
_MOVING = sa.update(cursor).where(_MINE, cursor.c.position == sa.bindparam("old")).values(position=sa.bindparam("new"), moved_at=sa.bindparam("at"))
_MOVE, _MOVE_UNFOLLOWED = Prepared(_MOVING), Prepared(_MOVING.where(~sa.exists(_READER)))


def enter(engine: sa.Engine, lanes: Iterable[str], epoch: str, now: datetime) -> None:
    """Give lanes their first row in this life of the broker, in a transaction of its own: what is not there cannot be locked.

    Needed on servers only; on SQLite a transaction excludes all others.
    """
    if engine.dialect.name == "sqlite":
        return
    for lane in lanes:
        # Somebody else has entered it in the same moment: as good.
        with suppress(exc.IntegrityError), engine.begin() as connection:
            connection.execute(sa.insert(cursor), {"lane": lane, "epoch": epoch, "position": START, "moved_at": now})


def stand(connection: sa.Connection, lane: str, epoch: str, now: datetime, hub: str | None = None) -> tuple[str, str | None]:
    """The lane's position, held until the transaction ends: on servers by the locks of its rows, on SQLite by the transaction itself.

    With it, by the same statement, who follows the changes of `hub`, if anybody does.
    """
    if connection.dialect.name == "sqlite":
        rows = _POSITION.run(connection, {"in_lane": lane, "in_epoch": epoch, "of_hub": hub})
    else:
        rows = _POSITIONS.run(connection, {"in_lane": lane, "of_hub": hub})
    found = {row.epoch: (row.position, row.reader) for row in rows}.get(epoch)
    if found is None:
        connection.execute(sa.insert(cursor), {"lane": lane, "epoch": epoch, "position": START, "moved_at": now})
        return START, connection.scalar(_READER, {"of_hub": hub})
    return found


def locked_position(connection: sa.Connection, lane: str, epoch: str, now: datetime) -> str:
    """The lane's position alone."""
    return stand(connection, lane, epoch, now)[0]


def move(connection: sa.Connection, lane: str, epoch: str, old: str, new: str, now: datetime, unfollowed: str | None = None) -> None:
    """Move the cursor from `old` to `new`. Raises LostCursor when it does not stand at `old` any more, and when somebody has begun since
    to follow the hub `unfollowed`: what this unit has changed would be missing from its feed.
    """
    values = {"in_lane": lane, "in_epoch": epoch, "old": old, "new": new, "at": now}
    if unfollowed is None or connection.dialect.name == "sqlite":  # where nobody else can have begun meanwhile
        moved = _MOVE.run(connection, values)
    else:
        moved = _MOVE_UNFOLLOWED.run(connection, values | {"of_hub": unfollowed})
    if moved.rowcount != 1:
        raise LostCursor(f"{lane} is no longer at {old}")


def positions(connection: sa.Connection, epoch: str, lanes: list[str] | None = None) -> dict[str, str]:
    """Where these lanes, or all, stand; lanes without a cursor are left out."""
    chosen = _ALL if lanes is None else _SOME
    return {str(lane): str(position) for lane, position in connection.execute(chosen, {"in_epoch": epoch, "lanes": lanes or []})}
