"""Store a work item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schema.hub.commands import EnqueueBatch, EnqueueWork
from schema.hub.ids import named_id
from schema.hub.rules.ranking import rank_of
from schema.hub.tables import affinity, permit, run, unique_item, work_item
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.hub import admission, places
from tasks.hub.defaults import policy
from tasks.hub.dispatch import dispatch
from tasks.hub.fleet import offers
from tasks.hub.items import moment, record
from tasks.hub.runs import open_run
from tasks.rows import Row
from tasks.unit import Unit


def foresee(commands: Sequence[EnqueueWork | EnqueueBatch], unit: Unit) -> None:
    """Read what a batch of items depends on: runs, affinities, permits, unique keys; a statement for each kind that is named."""
    named: dict[str, set[tuple[str, str]]] = {name: set() for name in ("run_id", "affinity_key", "concurrency_key", "unique_key")}
    for command in commands:
        rows = command.items if isinstance(command, EnqueueBatch) else [command.payload()]
        for row in rows:
            for name, values in named.items():
                if value := row.get(name):
                    values.add((command.hub, value))
        if command.run_id:
            named["run_id"].add((command.hub, command.run_id))
    unit.fetch(run, [(id,) for _, id in named["run_id"]])
    for table, name in ((affinity, "affinity_key"), (permit, "concurrency_key"), (unique_item, "unique_key")):
        unit.fetch(table, [(named_id(hub, key),) for hub, key in named[name]])


def enqueue(command: EnqueueWork, unit: Unit) -> Outcome:
    """Add the item as Pending or Delayed, open a run for it where none is named, and have the batch end with a dispatch.

    A second item with a unique key within its window is the first one: nothing is stored, and its hash is the answer.
    """
    refusal, first = _judge(command, unit)
    if refusal is not None:
        return refusal
    if first is not None:
        return _answer(first, existing=True)
    row = _row(command, unit, command.run_id or open_run(unit, command.hub, command.submitter_tag, {}, minted=True))
    unit.add(work_item, row)
    if command.unique_key:
        _remember(command, unit, row)
    told = {name: row[column] for name, column in _TOLD.items()} | {"EnqueuedAt": moment(unit)}
    if unit.actor.kind in _KNOWN:
        told["Actor"] = str(unit.actor)
    record(unit, row, 1, "enqueued", "", row["status"], told)
    unit.at_end(dispatch, command.hub)
    return _answer(row)


#: Kinds of actors that have shown who they are: in whose name an item may act.
_KNOWN = ("user", "token", "console", "system")
_TOLD = {"Capability": "capability", "Action": "action", "Priority": "priority", "AffinityKey": "affinity_key"}


def _judge(command: EnqueueWork, unit: Unit) -> tuple[Refused | None, Row | None]:
    """Why not, or the item that it is already."""
    if command.run_id and command.run_id == command.run_hash:
        _keep_open(command, unit)
    elif command.run_id:
        found = unit.find(run, (command.run_id,))
        if found is None or found["hub"] != command.hub:
            return Refused("not_found", f"There is no run {command.run_id}; start it first, or name none."), None
        if found["ended_at"] is not None:
            return Refused("conflict", f"The run {command.run_id} has ended.", {"RunID": command.run_id, "State": found["state"]}), None
    if command.unique_key:
        known = unit.find(unique_item, (named_id(command.hub, command.unique_key),))
        first = None if known is None or known["expires_at"] <= unit.now else unit.find(work_item, (known["work_item_hash"],))
        if first is not None:
            return None, first
    if command.awaited and not offers(unit, command.hub, command.capability, command.affinity_key):
        return Refused("no_beacon", f"No beacon offers the capability {command.capability}.", {"Success": False}), None
    return admission.judge(unit, command.hub, command.limits), None


def _keep_open(command: EnqueueWork, unit: Unit) -> None:
    """The run of an operation opens with its first item, and again when it is retried after its end."""
    found = unit.find(run, (command.run_id,))
    if found is None:
        open_run(unit, command.hub, command.submitter_tag, {"OperationHash": command.operation_hash}, id=command.run_id)
    elif found["ended_at"] is not None:
        unit.amend(run, (command.run_id,), {"state": "Active", "ended_at": None})


def _answer(row: Row, existing: bool = False) -> Done:
    value = {
        "Success": True,
        "RunID": row["run_id"],
        "WorkItemHash": row["work_item_hash"],
        "Status": row["status"],
        "EnqueuedAt": to_wire(row["enqueued_at"]),
        "Priority": row["priority"],
    }
    return Done(value | {"Existing": True} if existing else value)


def _remember(command: EnqueueWork, unit: Unit, row: Row) -> None:
    """From now on the item stands for its unique key."""
    id = named_id(command.hub, command.unique_key)
    values = {
        "work_item_hash": row["work_item_hash"],
        "run_id": row["run_id"],
        "expires_at": unit.now + timedelta(milliseconds=command.unique_window_ms),
    }
    if unit.find(unique_item, (id,)) is None:
        unit.add(unique_item, {"id": id, "hub": command.hub, "unique_key": command.unique_key, **values})
    else:
        unit.amend(unique_item, (id,), values)


def _starts_at(command: EnqueueWork, unit: Unit) -> datetime | None:
    """When the item may begin, None for at once."""
    if command.not_before is not None:
        at = datetime.fromisoformat(command.not_before).astimezone(UTC)
    else:
        at = unit.now + timedelta(milliseconds=command.delay_ms)
    return at if at > unit.now else None


def _row(command: EnqueueWork, unit: Unit, run_id: str) -> dict[str, Any]:
    ticket, stamp = unit.new_id(), places.milliseconds(unit.now)
    due = _starts_at(command, unit)
    row = {
        # Long names are cut: with stamp and chance the hash must fit into 128.
        "work_item_hash": f"wi-{command.run_hash[:48] or 'unknown'}-{command.node_hash[:32] or 'unknown'}-{stamp}-{ticket[-12:]}",
        "run_id": run_id,
        "status": "Pending" if due is None else "Delayed",
        "ticket": ticket,
        "enqueued_at": unit.now,
        "due_at": due,
        **{name: getattr(command, name) for name in _TAKEN},
        **policy(unit, command),
        **_NEW,
        "last_event_at": unit.now,
    }
    row["rank"] = rank_of(stamp, row["priority"])
    return row | ({"line": "", "ready_at": None} if due is not None else places.ready(unit, row))


#: Fields of the command that are columns of the item.
_TAKEN = (
    *("hub", "run_hash", "node_hash", "operation_hash", "capability", "action", "settings", "affinity_key", "require_affinity_match"),
    *("concurrency_key", "concurrency_limit", "unique_key", "submitter_tag", "metadata", "awaited", "streamed"),
)
#: What every item begins with.
_NEW: dict[str, Any] = {
    "assigned_beacon_id": None,
    "queue_wait_ms": 0,
    "attempt_number": 0,
    "failures": 0,
    "losses": 0,
    "last_error": "",
    "cancel_requested": False,
    "cancel_reason": "",
    "seq": 1,
}
