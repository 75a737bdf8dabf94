"""Forget a database."""

from __future__ import annotations

from schema.base import Event
from schema.gateway.commands import DeleteConnection
from schema.outcome import Done, Outcome
from tasks.gateway.connections import change, found, missing, told
from tasks.ledger.audit import note
from tasks.unit import Unit


def delete_connection(command: DeleteConnection, unit: Unit) -> Outcome:
    """Mark it as deleted and forget its secrets. Its path is free again: the sign before the id is in no path."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    gone = {"deleted_at": unit.now, "connected": False, "secrets": "", "slug": f"~{row['id']}", "revision": row["revision"] + 1}
    change(unit, row["id"], gone)
    unit.announce(Event("gateway", "connection.deleted", told(row)))
    note(unit, command.name, f"connection {row['id']}", "deleted", {"Name": row["name"]})
    return Done({"Success": True})
