"""Store a work item."""

from __future__ import annotations

from schema.hub.commands import EnqueueWork
from schema.hub.tables import run, work_item
from schema.outcome import Done, Outcome
from tasks.hub.dispatch import dispatch
from tasks.hub.items import moment, record
from tasks.unit import Unit


def enqueue(command: EnqueueWork, unit: Unit) -> Outcome:
    """Add the item as Pending, open a run for it where none is named, and have the batch end with a dispatch."""
    run_id = command.run_id or _open_run(command, unit)
    ticket = unit.new_id()
    stamp = int(unit.now.timestamp() * 1000)
    hash = f"wi-{command.run_hash or 'unknown'}-{command.node_hash or 'unknown'}-{stamp}-{ticket[-12:]}"
    row = {
        "work_item_hash": hash,
        "hub": command.hub,
        "run_id": run_id,
        "run_hash": command.run_hash,
        "node_hash": command.node_hash,
        "operation_hash": command.operation_hash,
        "capability": command.capability,
        "action": command.action,
        "settings": command.settings,
        "affinity_key": command.affinity_key,
        "require_affinity_match": command.require_affinity_match,
        "submitter_tag": command.submitter_tag,
        "metadata": command.metadata,
        "status": "Pending",
        "priority": command.priority,
        "rank": -command.priority,
        "ticket": ticket,
        "assigned_beacon_id": None,
        "enqueued_at": unit.now,
        "last_event_at": unit.now,
        "queue_wait_ms": 0,
        "timeout_ms": command.timeout_ms,
        "attempt_number": 0,
        "max_attempts": command.max_attempts,
        "failures": 0,
        "losses": 0,
        "retry_backoff_ms": command.retry_backoff_ms,
        "last_error": "",
        "cancel_requested": False,
        "cancel_reason": "",
        "seq": 1,
    }
    unit.add(work_item, row)
    told = {"Capability": command.capability, "Action": command.action, "Priority": command.priority, "AffinityKey": command.affinity_key}
    record(unit, row, 1, "enqueued", "", "Pending", told | {"EnqueuedAt": moment(unit)})
    unit.at_end(dispatch, command.hub)
    value = {"Success": True, "RunID": run_id, "WorkItemHash": hash, "Status": "Pending", "EnqueuedAt": moment(unit), "Priority": command.priority}
    return Done(value)


def _open_run(command: EnqueueWork, unit: Unit) -> str:
    id = unit.new_id()
    run_id = f"rn-{command.hub}-{int(unit.now.timestamp() * 1000)}-{id[-12:]}"
    row = {
        "run_id": run_id,
        "hub": command.hub,
        "state": "Active",
        "submitter_tag": command.submitter_tag,
        "metadata": {},
        "started_at": unit.now,
    }
    unit.add(run, row)
    return run_id
