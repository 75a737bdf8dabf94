"""The one way in which a run changes: its row, its nodes, its history, and what it orders, always together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from schema import envelope as keys
from schema.base import Event
from schema.runs.ids import shard_of
from schema.runs.rules.engine import advance
from schema.runs.rules.graph import Plan
from schema.runs.rules.nodes import IDLE
from schema.runs.rules.run import FINAL, Begin, Continue, Effect, Ended, Finished, Halted, Happening, Nodes, Note, Run
from schema.runs.state import node_values, run_of, state_values
from schema.runs.tables import node, run, run_event
from schema.sql import to_wire
from tasks.rows import Row
from tasks.runs import effects
from tasks.runs.lifting import lift
from tasks.runs.loading import Kept, key_values, plan_for, staging_of, types_of
from tasks.unit import Unit

#: Bytes of a run's own state: it is rewritten with each step.
LARGEST_STATE = 8_388_608


def step(unit: Unit, row: Row, happening: Happening) -> Row | None:
    """Let something happen to a run. Returns its row afterwards, None when nothing has changed."""
    plan = plan_for(unit, row["revision_id"])
    fresh = isinstance(happening, Begin) and not happening.node
    before = Kept(unit, row["run_hash"], empty=fresh)
    before.foresee(plan, _touched(row, happening))
    staging = staging_of(unit.settings.data, row["run_hash"])
    after, ordered = advance(plan, types_of(unit, row["hub"]), run_of(row, Nodes(before), staging), happening, unit.now)
    if not ordered:
        return None
    values = state_values(after)
    if len(orjson.dumps(values["state"])) > LARGEST_STATE and after.status not in FINAL:
        return step(unit, row, Halted(f"The state of the run has grown beyond {LARGEST_STATE} bytes."))
    return _save(unit, row, plan, before, after, ordered)


def _touched(row: Row, happening: Happening) -> list[str]:
    if isinstance(happening, Continue):
        return [node for node, _ in row["state"]["Queue"]]
    named = getattr(happening, "nodes", None) or [getattr(happening, "node", "")]
    return [hash for hash in named if hash]


def _save(unit: Unit, row: Row, plan: Plan, before: Kept, after: Run, ordered: Sequence[Effect]) -> Row:
    values = state_values(after)
    ended = next((effect for effect in ordered if isinstance(effect, Ended)), None)
    values |= {"last_event_at": unit.now, "stopped_at": unit.now if ended else None, "seq": row["seq"]}
    if ended is not None:
        # Whoever retries finds the errors counted anew; whoever reads, what nobody has taken care of.
        values |= {"active": 0, "waiting": 0}
    notes = [effect for effect in ordered if isinstance(effect, Note)]
    values["seq"] += len(notes)
    extra, items = effects.carry_out(unit, {**row, **values}, ordered)
    values["items"] = row["items"] + items
    unit.amend(run, (row["run_hash"],), values)
    for hash, state in after.nodes.changed.items():
        _keep(unit, row, plan, before, hash, {**node_values(state), **extra.get(hash, {})})
    _remember(unit, row, after, notes)
    made = {**row, **values}
    if ended is not None:
        effects.end(unit, made, ended.status)
    elif after.status == "Waiting" and row["awaited"]:
        hand_over(unit, made)
    return made


def _keep(unit: Unit, row: Row, plan: Plan, before: Kept, hash: str, values: dict[str, Any]) -> None:
    made, known = key_values(unit, row, plan, hash), before.row(hash)
    values["outputs"], values["stored"] = lift(unit, (known or {}).get("stored") or {}, values["outputs"])
    if known is None:
        unit.add(node, {"child_run": "", "asked_at": None, "shard": shard_of(row["run_hash"])} | made | values)
    else:
        unit.amend(node, (made["id"],), values)


def _remember(unit: Unit, row: Row, after: Run, notes: Sequence[Note]) -> None:
    """Append the history, and announce it under the same EventGUIDs."""
    hash, operation = row["run_hash"], row["operation_hash"]
    for seq, note in enumerate(notes, row["seq"] + 1):
        payload = {**note.told, "NodeHash": note.node} if note.node else {**note.told, "OperationHash": operation}
        if note.kind == "ExecutionComplete":
            payload["ElapsedMs"] = round((unit.now - row["started_at"]).total_seconds() * 1000)
        told = {"RunHash": hash, "Seq": seq, "EventType": note.kind, "Data": payload}
        guid = unit.announce(Event("run", f"execution.{note.kind}", told))
        unit.add(
            run_event,
            {
                "run_hash": hash,
                "seq": seq,
                "event_guid": guid,
                "hub": row["hub"],
                "event_type": note.kind,
                "node_hash": note.node,
                "execution": after.nodes.changed.get(note.node, IDLE).execution if note.node else 0,
                "payload": payload,
                "emitted_at": unit.now,
            },
        )


def hand_over(unit: Unit, row: Row) -> None:
    """Tell the one who waits for the run that it has ended, or asks for something."""
    unit.answer(keys.ended(row["run_hash"]), orjson.dumps({"Status": row["status"], "At": to_wire(unit.now)}))


def finished(unit: Unit, row: Row, report: Finished) -> bool:
    """A report; whether it was of use."""
    return step(unit, row, report) is not None
