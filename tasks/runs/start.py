"""Begin runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schema.hub.ids import named_id
from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import OccurrenceEnded, StartBatch, StartMany, StartOperation
from schema.runs.ids import shard_of
from schema.runs.rules.run import Begin
from schema.runs.tables import operation, run
from schema.sql import to_wire
from tasks.hub import admission
from tasks.rows import Row
from tasks.runs import effects
from tasks.runs.loading import plan_for
from tasks.runs.stepping import step
from tasks.unit import Unit

#: Runs that one command begins: some tens of milliseconds of a lane.
TOGETHER = 20


def start(command: StartOperation, unit: Unit) -> Outcome:
    """Add the run and take its first step. One that is there already is the answer: the same hash is the same run."""
    known = unit.find(run, (command.run_hash,))
    if known is not None:
        return Done(_told(known))
    found = present(unit, command.hub, command.operation_hash)
    if found is None:
        return _nowhere(command, unit)
    refusal = admission.judge(unit, command.hub, command.limits) if command.limits else None
    if refusal is not None:
        return refusal
    return Done(_told(_begin(command, unit, found)))


def _begin(command: StartOperation, unit: Unit, found: Row) -> Row:
    row = new_run(unit, command, found)
    unit.add(run, row)
    return step(unit, row, Begin()) or row


def present(unit: Unit, hub: str, operation_hash: str) -> Row | None:
    """The operation, if it can be started."""
    found = unit.find(operation, (named_id(hub, operation_hash),))
    return None if found is None or found["deleted_at"] is not None else found


def _nowhere(command: StartOperation, unit: Unit) -> Refused:
    error = f"There is no operation {command.operation_hash}."
    if command.parent is not None:
        unit.order(effects.report(command.hub, command.parent, {}, error))
    if command.occurrence_id is not None:
        unit.order(OccurrenceEnded(hub=command.hub, occurrence_id=command.occurrence_id, status="Skipped", reason=error))
    return Refused("not_found", error)


def new_run(unit: Unit, command: StartOperation, found: Row) -> dict[str, Any]:
    """The row of a run that has not begun."""
    state: dict[str, Any] = {"Global": command.global_state or {}, "Operation": command.parameters, "Output": {}, "Queue": [], "Joins": {}}
    plan = plan_for(unit, found["revision_id"])
    state["Global"] = {**plan.global_state, **state["Global"]}
    state["Operation"] = {**plan.operation_state, **state["Operation"]}
    return {
        "run_hash": command.run_hash,
        "hub": command.hub,
        "ticket": unit.new_id(),
        "operation_hash": found["hash"],
        "operation_name": found["name"],
        "revision_id": found["revision_id"],
        "revision": found["revision"],
        "status": "Queued",
        "mode": command.mode,
        "actor": str(unit.actor),
        "origin": command.origin,
        "occurrence_id": command.occurrence_id,
        "parent_run": command.parent[0] if command.parent else "",
        "parent": list(command.parent) if command.parent else None,
        "depth": command.depth,
        "state": state,
        **_NEW,
        "awaited": command.awaited,
        "started_at": unit.now,
        "stopped_at": None,
        "last_event_at": unit.now,
    }


_NEW: dict[str, Any] = {"active": 0, "waiting": 0, "steps": 0, "errors": 0, "retried": False, "items": 0, "seq": 0}


def _told(row: Row) -> dict[str, Any]:
    return {
        "RunHash": row["run_hash"],
        "Status": row["status"],
        "OperationHash": row["operation_hash"],
        "RunMode": row["mode"],
        "StartTime": to_wire(row["started_at"]),
    }


def start_batch(command: StartBatch, unit: Unit) -> Outcome:
    """Order the runs that can be begun, lane by lane; what cannot is told by its row and stops nobody."""
    refusal = admission.judge(unit, command.hub, command.limits) if command.limits else None
    if refusal is not None:
        return refusal
    runs, errors = [], []
    shards: dict[int, list[dict[str, Any]]] = {}
    for item in command.items:
        hash = item["operation_hash"]
        if present(unit, command.hub, hash) is None:
            errors.append({"Index": item["index"], "Error": f"There is no operation {hash}.", "Code": "not_found"})
            continue
        shards.setdefault(shard_of(item["run_hash"]), []).append({name: value for name, value in item.items() if name != "index"})
        runs.append({"RunHash": item["run_hash"], "OperationHash": hash, "Status": "Queued"})
    for shard, items in sorted(shards.items()):
        for place in range(0, len(items), TOGETHER):
            unit.order(StartMany(hub=command.hub, shard=shard, items=items[place : place + TOGETHER]))
    return Done({"Runs": runs, "Errors": errors})


def foresee_many(commands: Sequence[StartMany], unit: Unit) -> None:
    """Look with one statement which of the runs are there already."""
    unit.fetch(run, [(item["run_hash"],) for command in commands for item in command.items])


def start_many(command: StartMany, unit: Unit) -> Outcome:
    """Begin each of them that is not there yet."""
    for item in command.items:
        found = unit.find(operation, (named_id(command.hub, item["operation_hash"]),))
        if found is not None and unit.find(run, (item["run_hash"],)) is None:
            _begin(StartOperation(hub=command.hub, **item), unit, found)
    return Done({"Runs": len(command.items)})
