"""What workers, beacons and other runs have done for a node; and what a step has left for the next."""

from __future__ import annotations

from collections.abc import Sequence

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import GoOn, NodeFinished, RunCommand
from schema.runs.rules.run import Continue, Finished
from schema.runs.tables import run
from tasks.runs.loading import load
from tasks.runs.stepping import step
from tasks.unit import Unit


def foresee(commands: Sequence[RunCommand], unit: Unit) -> None:
    """Read the runs that a batch of commands is about, with one statement."""
    unit.fetch(run, [(command.run_hash,) for command in commands])


def node_finished(command: NodeFinished, unit: Unit) -> Outcome:
    """Let the run go on with what the node was brought. A report of an execution or attempt that is over changes nothing."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    report = Finished(
        command.node_hash, command.execution, command.attempt, command.outputs, command.error, command.event, tuple(command.log), command.again
    )
    after = step(unit, row, report)
    if after is None:
        return Refused("superseded", "The node does not wait for this any more; nothing is changed by it.", {"Status": row["status"]})
    return Done({"RunHash": command.run_hash, "Status": after["status"]})


def go_on(command: GoOn, unit: Unit) -> Outcome:
    """Take the next step of a run that has more to do than one step takes."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    after = step(unit, row, Continue())
    return Done({"RunHash": command.run_hash, "Status": (after or row)["status"]})
