"""Remember that a database was given another shape."""

from __future__ import annotations

from schema.base import Event
from schema.gateway.commands import NoteShaped
from schema.outcome import Done, Outcome
from tasks.gateway.connections import found, told
from tasks.gateway.keep_entities import keep
from tasks.ledger.audit import note
from tasks.unit import Unit


def note_shaped(command: NoteShaped, unit: Unit) -> Outcome:
    """Leave it in the audit; the statements themselves are in the database's own `ultravisor_schema`."""
    row = found(unit, command.hub, command.connection)
    done = command.outputs
    counts = {name: len(done[name]) for name in ("TablesCreated", "ColumnsAdded", "IndicesCreated")}
    details = {"SchemaName": done["SchemaName"], "Digest": command.digest, **counts}
    note(unit, command.name, f"connection {command.connection}", "shaped", details)
    if row is not None:
        keep(unit, row["id"], command.entities)
        unit.announce(Event("gateway", "connection.shaped", {**told(row), "SchemaName": done["SchemaName"], **counts}))
    return Done(done)
