"""Rows as they are kept there: the only place that knows both our names and those of the descriptor.

JSON columns come as the text that lies in our own database, and go as it: nobody looks into them on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schema.runs.wire import manifest_record, summary_record
from schema.sql import to_wire

#: A run that is still under way is stored again with each step; a longer history than this comes with its end.
LIVE_EVENTS = 500
#: Pieces of history of one manifest.
MOST_EVENTS = 10_000

Row = Mapping[Any, Any]


def work_item(row: Row) -> dict[str, Any]:
    """The original's 37 columns but the identity, and what it has none for."""
    dispatched = to_wire(row["dispatched_at"]) or ""
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
        "AssignedBeaconID": row["assigned_beacon_id"] or "",
        "Status": row["status"],
        "Priority": row["priority"],
        "EnqueuedAt": to_wire(row["enqueued_at"]),
        "DispatchedAt": dispatched,
        "StartedAt": to_wire(row["started_at"]) or "",
        "ClaimedAt": dispatched,
        "CompletedAt": to_wire(row["completed_at"]) or "",
        "CanceledAt": to_wire(row["canceled_at"]) or "",
        "AssignedAt": dispatched,
        "LastEventAt": to_wire(row["last_event_at"]) or "",
        "QueueWaitMs": row["queue_wait_ms"],
        "TimeoutMs": row["timeout_ms"],
        # Health is a matter of the moment: it is looked up where somebody asks, and stored nowhere.
        "Health": 0.0,
        "HealthLabel": "Unknown",
        "HealthReason": "",
        "HealthComputedAt": "",
        "AttemptNumber": row["attempt_number"],
        "MaxAttempts": row["max_attempts"],
        "RetryBackoffMs": row["retry_backoff_ms"],
        "RetryAfter": (to_wire(row["due_at"]) or "") if row["status"] == "RetryScheduled" else "",
        "LastError": row["last_error"],
        "Result": _text(row["result"]),
        "CancelRequested": bool(row["cancel_requested"]),
        "CancelReason": row["cancel_reason"],
        "Deleted": 0,
        "Extra": _extra(
            Metadata=row["metadata"],
            Progress=row["progress"],
            SubmitterTag=_quoted(row["submitter_tag"]),
            RequireAffinityMatch="true" if row["require_affinity_match"] else None,
            ConcurrencyKey=_quoted(row["concurrency_key"]),
            ConcurrencyLimit=str(row["concurrency_limit"]) if row["concurrency_limit"] else None,
            UniqueKey=_quoted(row["unique_key"]),
        ),
    }


def work_event(row: Row) -> dict[str, Any]:
    return {
        "EventGUID": row["event_guid"],
        "WorkItemHash": row["work_item_hash"],
        "EventType": row["event_type"],
        "Payload": row["payload"],
        "EmittedAt": to_wire(row["emitted_at"]),
        "Seq": row["seq"],
        "FromStatus": row["from_status"],
        "ToStatus": row["to_status"],
        "BeaconID": row["beacon_id"],
        "Deleted": 0,
        "RunID": row["run_id"],
    }


def work_attempt(row: Row) -> dict[str, Any]:
    return {
        "WorkItemHash": row["work_item_hash"],
        "AttemptNumber": row["attempt_number"],
        "BeaconID": row["beacon_id"],
        "StartedAt": to_wire(row["started_at"]),
        "EndedAt": to_wire(row["ended_at"]) or "",
        "Outcome": row["outcome"],
        "Error": row["error"],
        "Deleted": 0,
        "Extra": _extra(Outputs=row["outputs"], Log=row["log"]),
    }


def history_of(row: Row) -> int:
    """Up to which of its events a run's manifest tells them; 0 while it is under way and has too many."""
    if row["stopped_at"] is None and row["seq"] > LIVE_EVENTS:
        return 0
    return min(int(row["seq"]), MOST_EVENTS)


def manifest(row: Row) -> dict[str, Any]:
    """A run with its `nodes`, and its `events` up to `history_of`. The blob is the manifest as clients get it; large outputs stay where they are.

    It says nothing but what lies in SQL: names of task types, which a beacon brings and takes away, would make an old row another one.
    """
    staging = f"staging/{row['run_hash']}"
    whole = {**row, "state": orjson.loads(row["state"])}
    blob = manifest_record(whole, row["nodes"], row["events"], {}, staging, {})
    shown = summary_record(row)
    return {name: shown[name] for name in ("Hash", "OperationHash", "OperationName", "Status", "RunMode", "Live", "StartTime", "ElapsedMs")} | {
        "StopTime": shown["StopTime"] or "",
        "ManifestJSON": orjson.dumps({**blob, "Actor": row["actor"]}, default=str).decode(),
        "StagingPath": staging,
        "Deleted": 0,
        "CreatingUser": row["actor"],
    }


def _text(json: str | None) -> str:
    """JSON as a text; empty for nothing."""
    return "" if json in (None, "null") else str(json)


def _quoted(text: str) -> str | None:
    """A short text as JSON, None for an empty one."""
    return orjson.dumps(text).decode() if text else None


def _extra(**parts: str | None) -> str:
    """A JSON object of parts that are JSON already; those that say nothing are left out."""
    said = [f'"{name}":{json}' for name, json in parts.items() if json not in (None, "", "null", "{}", "[]")]
    return f"{{{','.join(said)}}}"
