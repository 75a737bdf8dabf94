"""Know another database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.gateway.commands import CreateConnection, TryConnection
from schema.gateway.rules.kinds import kind_named, place_of
from schema.gateway.rules.slug import slug_of
from schema.gateway.tables import connection
from schema.gateway.wire import connection_record
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.connections import told
from tasks.ledger.audit import note
from tasks.unit import Unit


def create_connection(command: CreateConnection, unit: Unit) -> Outcome:
    """Store it, untested. Its part of the path is its own: two names that would share one are a conflict."""
    kind = kind_named(command.kind)
    if kind is None:
        return Refused("unsupported", f"{command.kind} is no kind of database that is served here.")
    place = place_of(kind, command.config)
    if isinstance(place, str):
        return Refused("invalid", place, {"Fields": {"Config": [place]}})
    slug = slug_of(command.title)
    if not slug:
        return Refused("invalid", "The name has no letter or digit.", {"Fields": {"Name": ["Must have a letter or digit."]}})
    taken = unit.read(sa.select(connection).where(connection.c.hub == command.hub, connection.c.slug == slug)).mappings().one_or_none()
    if taken is not None:
        if command.once and taken["name"] == command.title:
            return Done({"Success": True, "Created": False, "Connection": connection_record(taken)})
        return Refused("conflict", f"The connection {taken['name']} has the path {slug} already.", {"IDBeaconConnection": taken["id"]})
    row = _row(command, unit, kind.type, slug)
    made = unit.change(sa.insert(connection).values(**row)).inserted_primary_key
    row["id"] = made[0] if made else 0
    unit.announce(Event("gateway", "connection.created", told(row)))
    note(unit, command.name, f"connection {row['id']}", "created", {"Name": command.title, "Type": kind.type})
    if command.auto_connect:
        unit.order(TryConnection(hub=command.hub, connection=row["id"], connect=True))
    return Done({"Success": True, "Created": True, "Connection": connection_record(row)})


def _row(command: CreateConnection, unit: Unit, kind: str, slug: str) -> dict[str, Any]:
    return {
        "hub": command.hub,
        "guid": unit.new_id(),
        "name": command.title,
        "slug": slug,
        "kind": kind,
        "config": command.config,
        "secrets": command.sealed,
        "revision": 1,
        "status": "Untested",
        "error": "",
        "connected": False,
        "auto_connect": command.auto_connect,
        "description": command.description,
        "databeacon": command.databeacon,
        "last_tested_at": None,
        "created_at": unit.now,
        "created_by": str(unit.actor),
        "updated_at": unit.now,
        "updated_by": str(unit.actor),
        "deleted_at": None,
    }
