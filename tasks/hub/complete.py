"""A beacon completes an item."""

from __future__ import annotations

from schema.hub.commands import CompleteWork
from schema.hub.rules.settle import Verdict
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.items import duration_ms, end_attempt, happen, moment
from tasks.hub.report import canceled, judge
from tasks.unit import Unit


def complete(command: CompleteWork, unit: Unit) -> Outcome:
    """Store the result and free the slot. The holder's repetition gets the same answer."""
    judged = judge(unit, command, "Complete")
    if isinstance(judged, Refused):
        return judged
    item, verdict = judged
    if (told_canceled := canceled(unit, item, verdict, command)) is not None:
        return told_canceled
    if verdict is Verdict.ACCEPTED:
        end_attempt(unit, item, "Complete", outputs=command.outputs, log=command.log)
        told = {"DurationMs": duration_ms(unit, item), "AttemptNumber": item["attempt_number"], "CompletedAt": moment(unit)}
        result = {"Outputs": command.outputs, "Log": command.log}
        happen(unit, item, "completed", "completed", told, item["assigned_beacon_id"], completed_at=unit.now, due_at=None, result=result)
        unit.at_end(dispatch, command.hub)
    return Done({"Status": "Completed", "WorkItemHash": item["work_item_hash"]})
