"""Serve a database no longer."""

from __future__ import annotations

from schema.base import Event
from schema.gateway.commands import Disconnect
from schema.outcome import Done, Outcome
from tasks.gateway.connections import change, found, missing, told
from tasks.unit import Unit


def disconnect(command: Disconnect, unit: Unit) -> Outcome:
    """Take it out of service. Which tables were enabled is kept for the next time."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    if row["connected"]:
        change(unit, row["id"], {"connected": False})
        unit.announce(Event("gateway", "connection.disconnected", told(row)))
    return Done({"Success": True, "Status": "Disconnected"})
