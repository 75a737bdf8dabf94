"""What a run's steps order: work of the hub, tasks of workers, other runs; and what its end means for those who wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from schema import envelope as keys
from schema.base import Actor
from schema.hub.commands import CancelRunWork, EndRun, EnqueueWork
from schema.hub.reply import REPLY
from schema.runs import commands
from schema.runs.ids import node_id, run_hash_of
from schema.runs.rules.nodes import BUSY
from schema.runs.rules.run import FINAL, Effect, Execute, GoOn, Start, Withdraw, Work
from schema.runs.tables import node, run
from schema.sql import to_wire
from tasks.rows import Row
from tasks.unit import Unit

#: How deep operations may launch operations: one that launches itself ends here.
DEEPEST = 16

Extra = dict[str, dict[str, Any]]


def carry_out(unit: Unit, row: Row, ordered: Sequence[Effect]) -> tuple[Extra, int]:
    """Order what the step asks for. Returns what nodes' rows are to know of it, and how many items were ordered."""
    actor = Actor.parse(row["actor"])
    extra: Extra = {}
    items = 0
    for effect in ordered:
        if isinstance(effect, Work):
            unit.order(_enqueue(row, effect), actor)
            items += 1
        elif isinstance(effect, Execute):
            extra.setdefault(effect.node, {})["asked_at"] = unit.now
            id = node_id(row["run_hash"], effect.node)
            unit.call("execute", id, effect.execution, effect.attempt, seconds=effect.timeout_ms / 1000)
        elif isinstance(effect, Start):
            extra.setdefault(effect.node, {})["child_run"] = _launch(unit, row, effect, actor)
        elif isinstance(effect, Withdraw):
            _withdraw(unit, row, effect)
        elif isinstance(effect, GoOn):
            unit.order(commands.GoOn(hub=row["hub"], run_hash=row["run_hash"]), actor)
    return extra, items


def _enqueue(row: Row, work: Work) -> EnqueueWork:
    item = work.item
    return EnqueueWork(
        hub=row["hub"],
        capability=item.capability,
        action=item.action,
        settings=dict(item.settings),
        run_id=row["run_hash"],
        run_hash=row["run_hash"],
        node_hash=work.node[:128],
        operation_hash=row["operation_hash"],
        affinity_key=item.affinity_key[:128],
        require_affinity_match=item.require_affinity_match,
        timeout_ms=item.timeout_ms,
        priority=item.priority,
        max_attempts=item.max_attempts,
        retry_backoff_ms=item.retry_backoff_ms,
        metadata={REPLY: [work.node, work.execution, work.attempt]},
    )


def _launch(unit: Unit, row: Row, start: Start, actor: Actor) -> str:
    wish = start.operation
    parent = (row["run_hash"], start.node, start.execution, start.attempt)
    if row["depth"] >= DEEPEST:
        error = f"Operations launch operations more than {DEEPEST} deep; does one launch itself?"
        unit.order(report(row["hub"], parent, {}, error), actor)
        return ""
    hash = run_hash_of(wish.operation, unit.now, unit.new_id())
    command = commands.StartOperation(
        hub=row["hub"],
        run_hash=hash,
        operation_hash=wish.operation,
        mode=row["mode"],
        parameters=dict(wish.parameters),
        global_state=dict(row["state"]["Global"]) if wish.inherit_global else None,
        parent=parent,
        depth=row["depth"] + 1,
        origin="operation",
    )
    unit.order(command, actor)
    return hash


def report(hub: str, parent: Sequence[Any], outputs: dict[str, Any], error: str | None = None) -> commands.NodeFinished:
    """The end of a run, as the node that launched it hears of it."""
    run_hash, node_hash, execution, attempt = parent
    return commands.NodeFinished(
        hub=hub, run_hash=run_hash, node_hash=node_hash, execution=execution, attempt=attempt, outputs=outputs, error=error, log=[]
    )


def _withdraw(unit: Unit, row: Row, withdraw: Withdraw) -> None:
    """Take back what one node has ordered, or all of it."""
    if withdraw.node and withdraw.status == "Executing":
        return  # the worker finds out by itself: its report is of an execution that is over
    if withdraw.status != "Launched" and row["items"]:
        unit.order(CancelRunWork(hub=row["hub"], run_id=row["run_hash"], node_hash=withdraw.node[:128], reason="withdrawn by its run"))
    children = sa.select(run.c.run_hash).where(run.c.parent_run == row["run_hash"], run.c.status.not_in(FINAL))
    if withdraw.status == "Working":
        return
    for child in unit.read(children.add_columns(run.c.parent)).mappings():
        if not withdraw.node or child["parent"][1] == withdraw.node:
            unit.order(commands.AbandonRun(hub=row["hub"], run_hash=child["run_hash"], reason="its parent does not wait for it any more"))


def end(unit: Unit, row: Row, status: str) -> None:
    """The run has ended: whoever waits for it hears so."""
    hash = row["run_hash"]
    if row["items"]:
        unit.order(EndRun(hub=row["hub"], run_id=hash, state="Ended" if status == "Complete" else "Failed"))
    if row["parent_run"]:
        elapsed = round((unit.now - row["started_at"]).total_seconds() * 1000)
        outputs = {"Result": row["state"]["Output"], "Status": status, "ElapsedMs": elapsed, "RunHash": hash}
        unit.order(report(row["hub"], row["parent"], outputs))
    if row["occurrence_id"]:
        unit.order(commands.OccurrenceEnded(hub=row["hub"], occurrence_id=row["occurrence_id"], status=status))
    if row["awaited"]:
        unit.answer(keys.ended(hash), orjson.dumps({"Status": status, "At": to_wire(unit.now)}))
    if row["mode"] == "production":
        unit.call("tidy_run", hash, seconds=60.0)
    if status not in ("Complete", "Failed"):
        # What the step has not looked at: a run that is halted has no busy nodes.
        left = sa.update(node).where(node.c.run_hash == hash, node.c.status.in_(BUSY))
        unit.change(left.values(status="Canceled", due_at=None, ended_at=unit.now, waiting=None, settings=None, backlog=[]))
