"""How far a lane has been applied: read under a lock, moved by compare-and-swap in the transaction of the batch."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import exc

from schema.ledger.tables import cursor
from tasks.failures import LostCursor

#: The position of a lane that has applied nothing in this epoch.
START = "0-0"

_MINE = (cursor.c.lane == sa.bindparam("in_lane")) & (cursor.c.epoch == sa.bindparam("in_epoch"))
#: Of all lives of the broker: a flush of a former life, frozen in the middle, must keep the flush of this life waiting.
_POSITIONS = sa.select(cursor.c.epoch, cursor.c.position).where(cursor.c.lane == sa.bindparam("in_lane")).order_by(cursor.c.epoch)
_POSITION = sa.select(cursor.c.epoch, cursor.c.position).where(_MINE)
_ALL = sa.select(cursor.c.lane, cursor.c.position).where(cursor.c.epoch == sa.bindparam("in_epoch"))
_SOME = _ALL.where(cursor.c.lane.in_(sa.bindparam("lanes", expanding=True)))
_MOVE = sa.update(cursor).where(_MINE, cursor.c.position == sa.bindparam("old")).values(position=sa.bindparam("new"), moved_at=sa.bindparam("at"))


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


def locked_position(connection: sa.Connection, lane: str, epoch: str, now: datetime) -> str:
    """The lane's position, held until the transaction ends: on servers by the locks of its rows, on SQLite by the transaction itself."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(_POSITION, {"in_lane": lane, "in_epoch": epoch})
    else:
        rows = connection.execute(_POSITIONS.with_for_update(), {"in_lane": lane})
    position = {str(found): str(position) for found, position in rows}.get(epoch)
    if position is None:
        connection.execute(sa.insert(cursor), {"lane": lane, "epoch": epoch, "position": START, "moved_at": now})
        return START
    return position


def move(connection: sa.Connection, lane: str, epoch: str, old: str, new: str, now: datetime) -> None:
    """Move the cursor from `old` to `new`. Raises LostCursor when it does not stand at `old` any more."""
    moved = connection.execute(_MOVE, {"in_lane": lane, "in_epoch": epoch, "old": old, "new": new, "at": now})
    if moved.rowcount != 1:
        raise LostCursor(f"{lane} is no longer at {old}")


def positions(connection: sa.Connection, epoch: str, lanes: list[str] | None = None) -> dict[str, str]:
    """Where these lanes, or all, stand; lanes without a cursor are left out."""
    chosen = _ALL if lanes is None else _SOME
    return {str(lane): str(position) for lane, position in connection.execute(chosen, {"in_epoch": epoch, "lanes": lanes or []})}
