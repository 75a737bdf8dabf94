"""Know what was found in a foreign database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.gateway.commands import DisableEntity, KeepEntities
from schema.gateway.tables import entity
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.connections import found, missing, told
from tasks.unit import Unit


def keep_entities(command: KeepEntities, unit: Unit) -> Outcome:
    """Note each; what a whole look did not find is forgotten. What is served stays so, in its new form at once."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    known = keep(unit, row["id"], command.entities, command.enable)
    if command.whole:
        gone = [one["id"] for name, one in known.items() if name not in {fresh["name"] for fresh in command.entities}]
        unit.change(sa.delete(entity).where(entity.c.id.in_(gone)))
    if command.enable:
        (fresh,) = command.entities
        unit.announce(Event("gateway", "endpoint.enabled", {**told(row), "TableName": fresh["name"]}))
        base = f"/1.0/{row['slug']}/{fresh['name']}"
        endpoint = {"TableName": fresh["name"], "EndpointBase": base, "ColumnCount": len(fresh["columns"])}
        return Done({"Success": True, "Endpoint": endpoint})
    tables = [_shown(fresh) for fresh in command.entities]
    return Done({"Success": True, "TableCount": len(tables), "Tables": tables})


def keep(unit: Unit, connection_id: int, entities: Sequence[Mapping[str, Any]], enable: bool = False) -> dict[str, Any]:
    """Note each as it was found. Returns what was known before, by name."""
    known = {one["name"]: one for one in unit.read(sa.select(entity).where(entity.c.connection_id == connection_id)).mappings()}
    for fresh in entities:
        _keep(unit, connection_id, fresh, known.get(fresh["name"]), enable)
    return known


def _keep(unit: Unit, connection_id: int, fresh: Mapping[str, Any], known: Mapping[Any, Any] | None, enable: bool) -> None:
    values = {**fresh, "introspected_at": unit.now}
    if known is None:
        unit.add(entity, {"connection_id": connection_id, "enabled": enable, **values})
    else:
        unit.change(sa.update(entity).where(entity.c.id == known["id"]).values(**values, enabled=bool(known["enabled"]) or enable))


def _shown(fresh: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"ColumnCount": len(fresh["columns"]), "RowCountEstimate": fresh["row_estimate"]}
    return {"TableName": fresh["name"], "Form": fresh["form"], **counts, "Columns": fresh["columns"]}


def disable_entity(command: DisableEntity, unit: Unit) -> Outcome:
    """Serve it no longer, from this moment on."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    mine = (entity.c.connection_id == row["id"]) & (entity.c.name == command.table)
    if unit.change(sa.update(entity).where(mine).values(enabled=False)).rowcount == 0:
        return Refused("not_found", f"Introspected table not found: {command.table}.")
    unit.announce(Event("gateway", "endpoint.disabled", {**told(row), "TableName": command.table}))
    return Done({"Success": True, "Result": {"TableName": command.table, "Disabled": True}})
