"""Know a database differently."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.gateway.commands import EditConnection
from schema.gateway.rules.kinds import kind_named, place_of
from schema.gateway.wire import connection_record
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.connections import change, found, missing, told
from tasks.ledger.audit import note
from tasks.unit import Unit


def edit_connection(command: EditConnection, unit: Unit) -> Outcome:
    """Change what is given. A rename keeps the path. Whoever leads it elsewhere must test it anew; secrets never travel to another place."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    kind = kind_named(command.kind or row["kind"])
    if kind is None:
        return Refused("unsupported", f"{command.kind} is no kind of database that is served here.")
    config = row["config"] if command.config is None else command.config
    place = place_of(kind, config)
    if isinstance(place, str):
        return Refused("invalid", place, {"Fields": {"Config": [place]}})
    if command.sealed is None and row["secrets"] and _moves(row, kind.type, config):
        why = "Another place needs its secret again."
        return Refused("invalid", why, {"Fields": {"Config.password": ["Required for another host, user or type."]}})
    values = _values(command, row, kind.type, config)
    change(unit, row["id"], values)
    edited = {**row, **values, "updated_at": unit.now}
    unit.announce(Event("gateway", "connection.edited", told(edited)))
    note(unit, command.name, f"connection {row['id']}", "edited", {"Changed": sorted(name for name in values if values[name] != row[name])})
    return Done({"Success": True, "Connection": connection_record(edited)})


def _moves(row: sa.RowMapping, kind: str, config: dict[str, Any]) -> bool:
    """Whether the stored secret would be shown to somebody else than before."""
    places = [place_of(found, of) for found, of in ((kind_named(row["kind"]), row["config"]), (kind_named(kind), config)) if found is not None]
    seen = [None if isinstance(place, str) else (place.host, place.port, place.socket, place.user) for place in places]
    return row["kind"] != kind or len(set(seen)) > 1


def _values(command: EditConnection, row: sa.RowMapping, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    given = {"name": command.title, "auto_connect": command.auto_connect, "description": command.description, "databeacon": command.databeacon}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    values |= {"kind": kind, "config": config, "secrets": row["secrets"] if command.sealed is None else command.sealed}
    if any(values[name] != row[name] for name in ("kind", "config", "secrets")):
        values |= {"revision": row["revision"] + 1, "status": "Untested", "error": ""}
    if command.status is not None:
        values["status"] = command.status
    return values
