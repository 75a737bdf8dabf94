"""What the hub knows of connections and tables, for items that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from schema.gateway.rules.requests import Table
from schema.gateway.tables import connection, entity
from tasks.mesh.errand import Errand, Failed
from tasks.unit import look

_LIVING = (connection.c.hub == sa.bindparam("of_hub")) & connection.c.deleted_at.is_(None)
_CONNECTIONS = sa.select(connection).where(_LIVING).order_by(connection.c.id)
_ENTITIES = sa.select(entity).where(entity.c.connection_id == sa.bindparam("of")).order_by(entity.c.name)


def connections(errand: Errand) -> list[Any]:
    """All connections, oldest first."""
    with look(errand.kernel.engine) as control:
        return list(control.execute(_CONNECTIONS, {"of_hub": errand.hub}).mappings())


def connection_of(errand: Errand) -> int:
    """The connection that the item names. Raises Failed."""
    given = errand.settings.get("IDBeaconConnection")
    if given in (None, "", 0):
        raise Failed("IDBeaconConnection is required")
    text = str(given)
    if text.isascii() and text.isdecimal() and len(text) < 10:
        found = next((row["id"] for row in connections(errand) if row["id"] == int(text)), None)
        if found is not None:
            return int(found)
    raise Failed("Connection not found")


def entities(errand: Errand, of: int) -> list[Mapping[Any, Any]]:
    """What is known behind a connection, by name."""
    with look(errand.kernel.engine) as control:
        return list(control.execute(_ENTITIES, {"of": of}).mappings())


def entity_named(errand: Errand, of: int, name: str, *, enabled: bool = True) -> Mapping[Any, Any]:
    """One of them; only one that is served, unless told otherwise. Raises Failed."""
    found = next((row for row in entities(errand, of) if row["name"] == name), None)
    if found is None:
        raise Failed(f"Introspected table not found: {name}. Run introspect first.")
    if enabled and not found["enabled"]:
        raise Failed(f"The endpoint of {name} is not enabled.")
    return found


def served_at(errand: Errand, slug: str, names: Iterable[str]) -> dict[str, Table] | None:
    """The tables of these names that are served below a slug, None where there is no such connection. Raises Failed for one that is not live."""
    row = next((row for row in connections(errand) if row["slug"] == slug), None)
    if row is None:
        return None
    if not row["connected"]:
        raise Failed("Connection is not live. Connect first.")
    wanted = set(names)
    return {found["name"]: table_of(errand.hub, found) for found in entities(errand, row["id"]) if found["enabled"] and found["name"] in wanted}


def table_of(hub: str, row: Mapping[Any, Any]) -> Table:
    known: dict[str, Any] = {name: row[name] for name in ("digest", "name", "columns", "keys")}
    return Table(hub=hub, connection=row["connection_id"], entity=row["id"], **known)


def named_in(errand: Errand, of: int, names: Iterable[str]) -> dict[str, list[Any]]:
    """Entity and digest of each of these tables, as queries name them. Raises Failed."""
    return {name: [row["id"], row["digest"]] for name in names for row in [entity_named(errand, of, name)]}
