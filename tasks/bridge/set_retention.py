"""Say how long ended items are kept in the database of the persistence."""

from __future__ import annotations

from schema.bridge.commands import SetRetention
from schema.bridge.tables import assignment
from schema.bridge.wire import retention_record
from schema.outcome import Done, Outcome
from tasks.bridge import states
from tasks.ledger.audit import note
from tasks.unit import Unit


def set_retention(command: SetRetention, unit: Unit) -> Outcome:
    """Change what is given. Nothing is deleted yet: the next sweep does it, each hour."""
    row = states.load(unit, command.hub)
    given = {
        "retention_days": command.retention_days,
        "cancelled_retention_days": command.cancelled_retention_days,
        "legal_hold": command.legal_hold,
    }
    values = {name: value for name, value in given.items() if value is not None}
    if values:
        unit.amend(assignment, (command.hub,), values | {"changed_at": unit.now})
        note(unit, command.name, f"hub {command.hub}", "changed", values)
    return Done({"Success": True, "Retention": retention_record({**row, **values})})
