"""What the hub knows of foreign databases: read from its own tables, each with one statement."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.reading import ask
from schema.gateway.tables import connection, entity

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


_SERVED = sa.select(connection.c.id, connection.c.connected, entity).outerjoin(
    entity,
    sa.and_(entity.c.connection_id == connection.c.id, entity.c.enabled.is_(True), entity.c.name.in_(sa.bindparam("names", expanding=True))),
)
_SERVED = _SERVED.where(_LIVING, connection.c.slug == sa.bindparam("in_slug"))
_OF = entity.c.connection_id == sa.bindparam("of")
_ENTITIES = sa.select(entity).where(_OF).order_by(entity.c.name)
_ENTITY = sa.select(entity).where(_OF, entity.c.name == sa.bindparam("in_name"))
_ENDPOINTS = (
    sa.select(connection.c.id, connection.c.kind, connection.c.slug, entity.c.name)
    .join(entity, entity.c.connection_id == connection.c.id)
    .where(_LIVING, connection.c.connected.is_(True), entity.c.enabled.is_(True))
    .order_by(connection.c.id, entity.c.name)
)


def served(hub: str, slug: str, names: Sequence[str]) -> tuple[sa.RowMapping | None, dict[str, sa.RowMapping]]:
    """The connection of that path, and those of the tables that are served there; one statement, by keys."""
    rows = ask(_SERVED, {"of_hub": hub, "in_slug": slug, "names": list(names)})
    return (rows[0] if rows else None), {str(row["name"]): row for row in rows if row["name"] is not None}


def entities(connection_id: int) -> Rows:
    """What is known behind a connection, by name."""
    return ask(_ENTITIES, {"of": connection_id})


def entity_named(connection_id: int, name: str) -> sa.RowMapping | None:
    """One of them."""
    return next(iter(ask(_ENTITY, {"of": connection_id, "in_name": name})), None)


def endpoints(hub: str) -> Rows:
    """What is served right now."""
    return ask(_ENDPOINTS, {"of_hub": hub})
