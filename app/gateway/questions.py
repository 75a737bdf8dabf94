"""What the hub knows of foreign databases: read from its own tables, each with one statement."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.reading import ask
from schema.gateway.tables import connection

Rows = Sequence[sa.RowMapping]

_LIVING = (connection.c.hub == sa.bindparam("of_hub")) & connection.c.deleted_at.is_(None)
_CONNECTIONS = sa.select(connection).where(_LIVING).order_by(connection.c.id)
_CONNECTION = sa.select(connection).where(_LIVING, connection.c.id == sa.bindparam("in_id"))


def connections(hub: str) -> Rows:
    """All connections of the hub, oldest first."""
    return ask(_CONNECTIONS, {"of_hub": hub})


def connection_by_id(hub: str, id: int) -> sa.RowMapping | None:
    """One connection, None when it is unknown or deleted."""
    return next(iter(ask(_CONNECTION, {"of_hub": hub, "in_id": id})), None)
