"""Write down who did what."""

from __future__ import annotations

from typing import Any

from schema.ledger.tables import audit
from tasks.unit import Unit


def note(unit: Unit, command: str, subject: str, outcome: str, details: dict[str, Any]) -> None:
    """Add an audit row in this transaction: the change and its trace are stored together or not at all."""
    told = {"command": command, "subject": subject, "outcome": outcome, "details": details}
    unit.add(audit, {"id": unit.new_id(), "at": unit.now, "actor": str(unit.actor), **told})
