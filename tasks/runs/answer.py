"""Give a node the value for which it waits."""

from __future__ import annotations

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import AnswerInput
from schema.runs.rules.run import Answered
from tasks.ledger.audit import note as audit
from tasks.runs.loading import load
from tasks.runs.stepping import step
from tasks.unit import Unit


def answer(command: AnswerInput, unit: Unit) -> Outcome:
    """The first answer is the answer; who gave it stays in the audit, what it was in the run."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    after = step(unit, row, Answered(command.node_hash, command.value, str(unit.actor)))
    if after is None:
        return Refused("conflict", f"The node {command.node_hash} waits for nothing.", {"Status": row["status"]})
    audit(unit, command.name, command.run_hash, "done", {"NodeHash": command.node_hash})
    return Done({"Status": after["status"], "Hash": command.run_hash})
