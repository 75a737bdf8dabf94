"""Forget a dead letter."""

from __future__ import annotations

import sqlalchemy as sa

from schema.ledger.commands import DiscardDeadLetter
from schema.ledger.tables import dead_letter
from schema.outcome import Done, Outcome, Refused
from tasks.ledger.audit import note
from tasks.unit import Unit


def discard(command: DiscardDeadLetter, unit: Unit) -> Outcome:
    """Delete it; what it was and why it was given up stays in the audit."""
    row = unit.read(sa.select(dead_letter).where(dead_letter.c.id == command.dead_letter)).one_or_none()
    if row is None:
        return Refused("not_found", "There is no such dead letter.")
    unit.change(sa.delete(dead_letter).where(dead_letter.c.id == command.dead_letter))
    note(unit, command.name, command.dead_letter, "discarded", {"Command": row.command, "Error": row.error, "Reason": command.reason})
    return Done({"DeadLetter": row.id})
