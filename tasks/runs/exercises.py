"""Keep what exercises have shown."""

from __future__ import annotations

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import BeginExercise, EndExercise
from schema.runs.tables import exercise
from tasks.unit import Unit


def begin_exercise(command: BeginExercise, unit: Unit) -> Outcome:
    """Add its row. One that is there already is the answer."""
    if unit.find(exercise, (command.id,)) is None:
        begun = {"state": "Running", "actor": str(unit.actor), "started_at": unit.now, "ended_at": None}
        told = {"measured": {}, "verdicts": [], "passed": False}
        unit.add(exercise, {"id": command.id, "hub": command.hub, "name": command.exercise, "time_scale": command.time_scale, **begun, **told})
    return Done({"ID": command.id})


def end_exercise(command: EndExercise, unit: Unit) -> Outcome:
    """Write down what it has shown, once."""
    row = unit.find(exercise, (command.id,))
    if row is None or row["hub"] != command.hub:
        return Refused("not_found", f"There is no exercise {command.id}.")
    if row["ended_at"] is None:
        told = {"measured": command.measured, "verdicts": command.verdicts, "passed": command.passed}
        unit.amend(exercise, (command.id,), {"state": command.state, "ended_at": unit.now, **told})
    return Done({"ID": command.id})
