"""The hub's wire: the only place that knows both the clients' names and ours (ultravisor-hub 3.5, 3.6, 4.1, 4.4, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from schema.hub.rules.health import UNKNOWN, Health
from schema.hub.rules.lifecycle import BUCKETS
from schema.hub.rules.presence import LIVENESS
from schema.sql import to_wire

#: A row by column name, from SQL or about to be stored.
Row = Mapping[Any, Any]

NOT_LOOKED = Health(None, UNKNOWN, "")


def beacon_record(row: Row, current: Sequence[str], last_contact: datetime | None = None) -> dict[str, Any]:
    """A beacon as clients see it. `current`: hashes of the items it holds; `last_contact` where something newer than the row is known."""
    status = "Online" if row["status"] == "Suspect" else row["status"]
    if status == "Online" and len(current) >= row["max_concurrent"]:
        status = "Busy"
    return {
        "BeaconID": row["beacon_id"],
        "Name": row["name"],
        "SessionID": row["session_id"],
        "Capabilities": row["capabilities"],
        "Status": status,
        "LastHeartbeat": to_wire(last_contact or row["last_contact_at"]),
        "RegisteredAt": to_wire(row["registered_at"]),
        "CurrentWorkItems": list(current),
        "MaxConcurrent": row["max_concurrent"],
        "Tags": row["tags"],
        "Contexts": row["contexts"],
        "BindAddresses": row["bind_addresses"],
        "HostID": row["host_id"],
        "SharedMounts": row["shared_mounts"],
        "ActionSchemas": row["action_schemas"],
        "Liveness": LIVENESS[row["status"]],
        "PausedAt": to_wire(row["paused_at"]),
    }


def item_for_beacon(row: Row, attempt: int, dispatched_at: datetime, waited_ms: int) -> dict[str, Any]:
    """An item as a beacon gets it, the same on every transport."""
    told = {
        "RunID": row["run_id"],
        "WorkItemHash": row["work_item_hash"],
        "EnqueuedAt": to_wire(row["enqueued_at"]),
        "DispatchedAt": to_wire(dispatched_at),
        "QueueWaitMs": waited_ms,
        "AttemptNumber": attempt,
        "HubInstanceID": row["hub"],
    }
    return {
        "WorkItemHash": row["work_item_hash"],
        "RunID": row["run_id"],
        "Capability": row["capability"],
        "Action": row["action"],
        "Settings": {**row["settings"], "QueueMetadata": told},
        "OperationHash": row["operation_hash"],
        "TimeoutMs": row["timeout_ms"],
        "AttemptNumber": attempt,
        "QueueMetadata": told,
    }


def work_item_record(row: Row, health: Health = NOT_LOOKED) -> dict[str, Any]:
    """An item as lists and the board show it, with the health that somebody has looked up."""
    progress, due = row["progress"] or {}, row["due_at"]
    enqueued, dispatched = to_wire(row["enqueued_at"]), to_wire(row["dispatched_at"])
    return {
        "WorkItemHash": row["work_item_hash"],
        "RunID": row["run_id"],
        "RunHash": row["run_hash"],
        "NodeHash": row["node_hash"],
        "OperationHash": row["operation_hash"],
        "Capability": row["capability"],
        "Action": row["action"],
        "Settings": row["settings"],
        "AffinityKey": row["affinity_key"],
        "RequireAffinityMatch": row["require_affinity_match"],
        "AssignedBeaconID": row["assigned_beacon_id"],
        "Status": row["status"],
        "Bucket": BUCKETS[row["status"]],
        "TimeoutMs": row["timeout_ms"],
        "CreatedAt": enqueued,
        "EnqueuedAt": enqueued,
        # One moment with us; the original has three, for it assigns, dispatches and claims in steps.
        "AssignedAt": dispatched,
        "ClaimedAt": dispatched,
        "DispatchedAt": dispatched,
        "StartedAt": to_wire(row["started_at"]),
        "CompletedAt": to_wire(row["completed_at"]),
        "CanceledAt": to_wire(row["canceled_at"]),
        "LastEventAt": to_wire(row["last_event_at"]),
        "QueueWaitMs": row["queue_wait_ms"],
        "Priority": row["priority"],
        "AttemptNumber": row["attempt_number"],
        "MaxAttempts": row["max_attempts"],
        "RetryBackoffMs": row["retry_backoff_ms"],
        "NotBefore": to_wire(due) if row["status"] == "Delayed" else None,
        "ConcurrencyKey": row["concurrency_key"],
        "ConcurrencyLimit": row["concurrency_limit"],
        "UniqueKey": row["unique_key"],
        "RetryAfter": to_wire(due) if row["status"] == "RetryScheduled" else None,
        "LastError": row["last_error"],
        "CancelRequested": row["cancel_requested"],
        "CancelReason": row["cancel_reason"],
        "SubmitterTag": row["submitter_tag"],
        "Metadata": row["metadata"],
        "Progress": {name: value for name, value in progress.items() if name != "Log"} if progress else {},
        "AccumulatedLog": progress.get("Log", []),
        "Result": row["result"],
        "Health": health.value,
        "HealthLabel": health.label,
        "HealthReason": health.reason,
    }


def board_record(row: Row, preview: str) -> dict[str, Any]:
    """An item as a line of the board shows it: what tells it from others, without what it brings along."""
    progress = row["progress"] or {}
    return {
        "WorkItemHash": row["work_item_hash"],
        "RunID": row["run_id"],
        "NodeHash": row["node_hash"],
        "Capability": row["capability"],
        "Action": row["action"],
        "Preview": preview,
        "Status": row["status"],
        "Bucket": BUCKETS[row["status"]],
        "Priority": row["priority"],
        "AssignedBeaconID": row["assigned_beacon_id"],
        "EnqueuedAt": row["enqueued_at"],
        "DispatchedAt": row["dispatched_at"],
        "CompletedAt": row["completed_at"],
        "CanceledAt": row["canceled_at"],
        "DueAt": row["due_at"],
        "QueueWaitMs": row["queue_wait_ms"],
        "AttemptNumber": row["attempt_number"],
        "MaxAttempts": row["max_attempts"],
        "LastError": row["last_error"],
        "CancelRequested": row["cancel_requested"],
        "CancelReason": row["cancel_reason"],
        "SubmitterTag": row["submitter_tag"],
        "AffinityKey": row["affinity_key"],
        "Progress": {name: value for name, value in progress.items() if name != "Log"},
    }


def sample_record(row: Row) -> dict[str, Any]:
    """How the queue stood, as the event of a sample tells it."""
    names = {"Slot": "slot", "Waiting": "waiting", "Running": "running", "Stalled": "stalled", "Stored": "stored", "Completed": "completed"}
    names |= {"Errored": "errored", "Canceled": "canceled", "Beacons": "beacons", "Slots": "slots"}
    return {name: row[column] for name, column in names.items()}


def work_event_record(row: Row) -> dict[str, Any]:
    """An event of an item's history."""
    return {
        "EventGUID": row["event_guid"],
        "WorkItemHash": row["work_item_hash"],
        "RunID": row["run_id"],
        "Seq": row["seq"],
        "EventType": row["event_type"],
        "FromStatus": row["from_status"],
        "ToStatus": row["to_status"],
        "BeaconID": row["beacon_id"],
        "Payload": row["payload"],
        "EmittedAt": to_wire(row["emitted_at"]),
    }


def work_attempt_record(row: Row) -> dict[str, Any]:
    """One attempt of an item, superseded ones with what they brought."""
    return {
        "WorkItemHash": row["work_item_hash"],
        "AttemptNumber": row["attempt_number"],
        "BeaconID": row["beacon_id"],
        "StartedAt": to_wire(row["started_at"]),
        "EndedAt": to_wire(row["ended_at"]),
        "Outcome": row["outcome"],
        "Error": row["error"],
        "Outputs": row["outputs"],
        "Log": row["log"],
    }


def artifact_record(row: Row) -> dict[str, Any]:
    """A file that an attempt has put out, and where its content is."""
    return {
        "WorkItemHash": row["work_item_hash"],
        "AttemptNumber": row["attempt_number"],
        "Filename": row["filename"],
        "ContentType": row["content_type"],
        "Digest": row["digest"],
        "Size": row["size"],
        "BeaconID": row["beacon_id"],
        "StoredAt": to_wire(row["stored_at"]),
        "FilePath": f"/Beacon/Work/{quote(row['work_item_hash'], safe='')}/Artifacts/{row['digest']}",
    }


def affinity_record(row: Row) -> dict[str, Any]:
    """To which beacon an affinity key has stuck."""
    return {
        "AffinityKey": row["affinity_key"],
        "BeaconID": row["beacon_id"],
        "RunHash": row["run_hash"],
        "CreatedAt": to_wire(row["created_at"]),
        "ExpiresAt": to_wire(row["expires_at"]),
    }


def action_default_record(row: Row) -> dict[str, Any]:
    """What holds for items of an action whose sender does not say."""
    return {
        "Capability": row["capability"],
        "Action": row["action"],
        "TimeoutMs": row["timeout_ms"],
        "MaxAttempts": row["max_attempts"],
        "RetryBackoffMs": row["retry_backoff_ms"],
        "DefaultPriority": row["default_priority"],
        "ExpectedWaitP95Ms": row["expected_wait_p95_ms"],
        "HeartbeatExpectedMs": row["heartbeat_expected_ms"],
        "MinSamplesForBaseline": row["min_samples_for_baseline"],
        "UpdatedAt": to_wire(row["updated_at"]),
    }
