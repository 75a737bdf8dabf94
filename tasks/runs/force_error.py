"""Have a busy node fail."""

from __future__ import annotations

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import ForceError
from schema.runs.rules.run import Forced
from tasks.ledger.audit import note as audit
from tasks.runs.loading import load
from tasks.runs.stepping import step
from tasks.unit import Unit


def force_error(command: ForceError, unit: Unit) -> Outcome:
    """The node leaves by its error event, and what it has under way is taken back."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    after = step(unit, row, Forced(command.node_hash, command.reason, str(unit.actor)))
    if after is None:
        return Refused("conflict", f"The node {command.node_hash} is not busy.", {"Status": row["status"]})
    audit(unit, command.name, command.run_hash, "done", {"NodeHash": command.node_hash, "Reason": command.reason})
    return Done({"Status": after["status"], "Hash": command.run_hash})
