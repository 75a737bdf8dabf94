"""What the verbs of connections share: the row, and how clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from schema.gateway.tables import connection
from schema.outcome import Refused
from tasks.unit import Unit


def missing(connection_id: int) -> Refused:
    """There is no such connection, or no more."""
    return Refused("not_found", f"There is no connection {connection_id}.")


def found(unit: Unit, hub: str, connection_id: int) -> sa.RowMapping | None:
    """The connection's row, None when there is none or it is deleted."""
    mine = (connection.c.id == connection_id) & (connection.c.hub == hub) & connection.c.deleted_at.is_(None)
    return unit.read(sa.select(connection).where(mine)).mappings().one_or_none()


def change(unit: Unit, connection_id: int, values: dict[str, Any]) -> None:
    """Change its row; who and when is part of it."""
    stamped = {**values, "updated_at": unit.now, "updated_by": str(unit.actor)}
    unit.change(sa.update(connection).where(connection.c.id == connection_id).values(**stamped))


def told(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What an event tells of a connection; never its config."""
    return {"IDBeaconConnection": row["id"], "Name": row["name"], "Type": row["kind"], "Databeacon": row["databeacon"]}
