"""Remember how trying a connection ended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.gateway.commands import NoteTried
from schema.gateway.tables import entity
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.connections import change, found, missing, told
from tasks.unit import Unit


def note_tried(command: NoteTried, unit: Unit) -> Outcome:
    """Stamp it. A test that failed is an answer; a connect that failed is a refusal, and what was served before is served no longer."""
    row = found(unit, command.hub, command.connection)
    if row is None:
        return missing(command.connection)
    status = "Failed" if command.error else "Connected" if command.connect else "OK"
    values: dict[str, Any] = {"status": status, "error": command.error[:500], "last_tested_at": unit.now}
    if command.connect:
        values["connected"] = not command.error
    change(unit, row["id"], values)
    if command.connect and values["connected"] != row["connected"]:
        up, down = Event("gateway", "connection.connected", told(row)), Event("gateway", "connection.disconnected", told(row))
        unit.announce(up if values["connected"] else down)
    if not command.connect:
        return Done({"Success": not command.error, "Status": status, **({"Error": command.error} if command.error else {})})
    if command.error:
        return Refused("target_unavailable", command.error, {"Success": False})
    served = sa.select(sa.func.count()).select_from(entity).where(entity.c.connection_id == row["id"], entity.c.enabled.is_(True))
    return Done({"Success": True, "Status": status, "EndpointsRestored": unit.read(served).scalar_one()})
