"""Begin ended runs again where they failed, or at any node of theirs in a run of its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import ForkRun, RetryRun
from schema.runs.ids import node_id, shard_of
from schema.runs.rules.nodes import BUSY
from schema.runs.rules.run import FINAL, Begin, Retried
from schema.runs.tables import node, run
from tasks.content.holding import hold
from tasks.ledger.audit import note as audit
from tasks.rows import Row
from tasks.runs.loading import load, plan_for
from tasks.runs.stepping import step
from tasks.unit import Unit

#: Nodes that one retry begins.
MOST = 1_000


def retry(command: RetryRun, unit: Unit) -> Outcome:
    """Begin the failed and the canceled nodes again, or the one that is named."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    if row["status"] not in FINAL:
        return Refused("conflict", f"The run is {row['status']}; only one that has ended can be retried.", {"Status": row["status"]})
    if command.node_hash and command.node_hash not in plan_for(unit, row["revision_id"]).nodes:
        return Refused("not_found", f"The run has no node {command.node_hash}.")
    nodes = [command.node_hash] if command.node_hash else _failed(unit, row)
    if not nodes:
        return Refused("conflict", "No node of the run has failed; name the one that is to begin again.", {"Status": row["status"]})
    after = step(unit, row, Retried(tuple(nodes), command.overrides, str(unit.actor)))
    assert after is not None
    audit(unit, command.name, command.run_hash, "done", {"Nodes": nodes[:20]})
    waiting = list(unit.read(sa.select(node.c.node_hash).where(node.c.run_hash == command.run_hash, node.c.status.in_(BUSY))).scalars())
    told = {"Status": after["status"], "Hash": command.run_hash, "RetryNode": command.node_hash or "(auto-detected)", "WaitingTasks": waiting}
    return Done({"Success": True, **told})


def _failed(unit: Unit, row: Row) -> list[str]:
    """Nodes whose failure nobody took, and those that were busy when the run was ended."""
    failed = sa.select(node.c.node_hash, node.c.status).where(node.c.run_hash == row["run_hash"], node.c.status.in_(("Error", "Canceled")))
    plan = plan_for(unit, row["revision_id"])
    found = unit.read(failed.order_by(node.c.ended_at, node.c.node_hash).limit(MOST)).mappings().all()
    open_ends = [row for row in found if row["status"] == "Canceled" or not plan.leads.get((row["node_hash"], "Error"))]
    return [row["node_hash"] for row in open_ends if row["node_hash"] in plan.nodes]


def fork(command: ForkRun, unit: Unit) -> Outcome:
    """Begin a new run of the same revision at a node, with the state and the outputs that another run has."""
    known = unit.find(run, (command.new_hash,))
    if known is not None:
        return Done(_told(known))
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    if command.node_hash not in plan_for(unit, row["revision_id"]).nodes:
        return Refused("not_found", f"The run has no node {command.node_hash}.")
    made = _copy(unit, row, command.new_hash)
    _copy_nodes(unit, command)
    after = step(unit, made, Begin(command.node_hash, command.overrides))
    audit(unit, command.name, command.run_hash, "done", {"NodeHash": command.node_hash, "RunHash": command.new_hash})
    return Done(_told(after or made))


def _told(row: Row) -> dict[str, Any]:
    return {"RunHash": row["run_hash"], "Status": row["status"], "OperationHash": row["operation_hash"]}


def _copy(unit: Unit, row: Row, new_hash: str) -> dict[str, Any]:
    state = {**row["state"], "Queue": [], "Joins": {}, "Output": {}}
    fresh: dict[str, Any] = {
        "run_hash": new_hash,
        "ticket": unit.new_id(),
        "status": "Queued",
        "actor": str(unit.actor),
        "origin": "fork",
        "state": state,
        "occurrence_id": None,
        "parent_run": "",
        "parent": None,
        "depth": 0,
        "awaited": False,
        "active": 0,
        "waiting": 0,
        "steps": 0,
        "errors": 0,
        "retried": False,
        "items": 0,
        "seq": 0,
        "started_at": unit.now,
        "stopped_at": None,
        "last_event_at": unit.now,
    }
    made = {**row, **fresh}
    unit.add(run, made)
    return made


def _copy_nodes(unit: Unit, command: ForkRun) -> None:
    """What each node has brought, as if it had been in the new run; none is busy there."""
    rows = unit.read(sa.select(node).where(node.c.run_hash == command.run_hash)).mappings()
    for row in rows:
        status = "Canceled" if row["status"] in BUSY else row["status"]
        idle: dict[str, Any] = {"status": status, "waiting": None, "backlog": [], "settings": None, "due_at": None, "asked_at": None, "child_run": ""}
        own = {"id": node_id(command.new_hash, row["node_hash"]), "run_hash": command.new_hash, "shard": shard_of(command.new_hash)}
        for found in (row["stored"] or {}).values():
            hold(unit, found["Digest"])
        unit.add(node, {**row, **idle, **own, "execution": 0, "attempt": 0})
