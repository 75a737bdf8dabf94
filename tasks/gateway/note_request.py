"""Leave in the audit what a work item wanted of records."""

from __future__ import annotations

from schema.gateway.commands import NoteRequest
from schema.outcome import Done, Outcome
from tasks.ledger.audit import note
from tasks.unit import Unit


def note_request(command: NoteRequest, unit: Unit) -> Outcome:
    """One line: who, what, and how it ended."""
    note(unit, command.name, command.subject[:256], command.outcome[:64], command.details)
    return Done()
