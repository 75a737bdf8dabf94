"""Do what is due in the runs of one lane."""

from __future__ import annotations

import sqlalchemy as sa

from schema.outcome import Done, Outcome
from schema.runs.commands import RunsTick
from schema.runs.rules.run import Due
from schema.runs.tables import node, run
from tasks.runs.loading import load
from tasks.runs.stepping import step
from tasks.unit import Unit

#: Nodes per unit; the next tick takes the rest.
PAGE = 500


def tick(command: RunsTick, unit: Unit) -> Outcome:
    """End pauses, waits, and the time of tasks."""
    c = node.c
    due = (
        sa.select(c.run_hash, c.node_hash).where(c.hub == command.hub, c.due_at <= unit.now, c.shard == command.shard).order_by(c.due_at).limit(PAGE)
    )
    found: dict[str, list[str]] = {}
    for row in unit.read(due).mappings():
        found.setdefault(row["run_hash"], []).append(row["node_hash"])
    unit.fetch(run, [(hash,) for hash in found])
    for run_hash, nodes in found.items():
        of = load(unit, command.hub, run_hash)
        if of is None or step(unit, of, Due(tuple(nodes))) is None:
            # Nothing waits there any more: a time that nobody heeds must not be looked at each second.
            unit.change(sa.update(node).where(c.run_hash == run_hash, c.node_hash.in_(nodes), c.due_at <= unit.now).values(due_at=None))
    return Done({"Due": sum(map(len, found.values()))})
