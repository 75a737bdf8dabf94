"""Remember what has become of a hub's persistence."""

from __future__ import annotations

from typing import Any

from schema.bridge.commands import Note
from schema.outcome import Done, Outcome
from tasks.bridge import states
from tasks.unit import Unit


def note(command: Note, unit: Unit) -> Outcome:
    """Move the state. Word of a connection that is not the present one is old, and changes nothing."""
    row = states.load(unit, command.hub)
    if row["connection_id"] == command.connection:
        values: dict[str, Any] = {"bootstrapped_at": unit.now} if command.happening == "ready" and row["bootstrapped_at"] is None else {}
        states.happen(unit, row, command.happening, command.error, **values)
    return Done()
