"""The wire of operations and runs: the only place that knows both the clients' names and ours (ultravisor-hub 8.1, 8.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from schema.runs.rules.nodes import BUSY
from schema.runs.types.base import Task
from schema.sql import to_wire

Row = Mapping[Any, Any]

#: Fields of an operation that clients may send; CreatedAt and the like are ours.
EMPTY: dict[str, Any] = {
    "Hash": "",
    "Name": "",
    "Description": "",
    "Tags": [],
    "Author": "",
    "Version": "",
    "Graph": {"Nodes": [], "Connections": [], "ViewState": {}},
    "SavedLayouts": [],
    "InitialGlobalState": {},
    "InitialOperationState": {},
}
#: Fields that say something about the stored operation, and are no part of it.
OURS = ("CreatedAt", "UpdatedAt", "Revision", "SourceBeacon", "SourceType", "NodeCount", "ExportedAt", "FileName")


def document_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """An operation as it is kept: with all fields that it should have, and none of ours."""
    return {**EMPTY, **{name: value for name, value in sent.items() if name not in OURS}}


def operation_record(document: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """A stored operation as clients see it."""
    told: dict[str, Any] = {
        **document,
        "CreatedAt": to_wire(row["created_at"]),
        "UpdatedAt": to_wire(row["updated_at"]),
        "Revision": row["revision"],
    }
    return told | {"SourceBeacon": row["source_beacon"], "SourceType": "Beacon"} if row["source_beacon"] else told


def summary_record(row: Row) -> dict[str, Any]:
    """A run as lists show it."""
    return {
        "Hash": row["run_hash"],
        "OperationHash": row["operation_hash"],
        "OperationName": row["operation_name"],
        "Revision": row["revision"],
        "Status": row["status"],
        "RunMode": row["mode"],
        "Live": row["stopped_at"] is None,
        "StartTime": to_wire(row["started_at"]),
        "StopTime": to_wire(row["stopped_at"]),
        "ElapsedMs": elapsed_ms(row),
        "ErrorCount": row["errors"],
    }


def elapsed_ms(row: Row) -> int:
    """From its beginning to its end, or to the last that was heard of it."""
    until: datetime = row["stopped_at"] or row["last_event_at"]
    began: datetime = row["started_at"]
    return round((until - began).total_seconds() * 1000)


def waiting_record(node: Row) -> dict[str, Any]:
    """What a node waits for."""
    if node["waiting"]:
        return {**node["waiting"], "Status": "Waiting", "DueAt": to_wire(node["due_at"])}
    return {"Status": node["status"], "Timestamp": to_wire(node["started_at"]), "DueAt": to_wire(node["due_at"])}


def manifest_record(
    row: Row, nodes: Sequence[Row], events: Sequence[Row], types: Mapping[str, Task], staging: str, whole: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole of a run, from its row, its nodes and its history. `whole` has large outputs by their digest, as far as they are wanted."""
    state = row["state"]
    manifests = task_manifests(nodes, events, types)
    return {
        **summary_record(row),
        "Origin": row["origin"],
        "ParentRunHash": row["parent_run"],
        "StagingPath": staging,
        "Output": state["Output"],
        "GlobalState": state["Global"],
        "OperationState": state["Operation"],
        "TaskOutputs": {node["node_hash"]: outputs_record(node, whole) for node in nodes},
        "TaskManifests": manifests,
        "WaitingTasks": {node["node_hash"]: waiting_record(node) for node in nodes if node["status"] in BUSY},
        "TimingSummary": timing(manifests),
        "EventLog": [log_record(event) for event in events],
        "Errors": [error_record(event) for event in events if event["event_type"] == "TaskError"],
        "Log": [line for event in events for line in event["payload"].get("Log") or []],
    }


def outputs_record(node: Row, whole: Mapping[str, Any]) -> dict[str, Any]:
    """What a node has brought; a large output as a word of what it is, unless it is at hand."""
    told = dict(node["outputs"])
    for name, found in (node["stored"] or {}).items():
        digest = found["Digest"]
        told[name] = whole[digest] if digest in whole else {"$$ref": f"sha256:{digest}", "Bytes": found["Bytes"]}
    return told


def log_record(event: Row) -> dict[str, Any]:
    payload = event["payload"]
    said = payload.get("Message") or payload.get("Reason") or payload.get("EventFired") or payload.get("Status") or ""
    return {
        "Timestamp": to_wire(event["emitted_at"]),
        "TimestampMs": round(event["emitted_at"].timestamp() * 1000),
        "NodeHash": event["node_hash"],
        "EventName": event["event_type"],
        "Message": str(said),
        "Verbosity": 0 if event["event_type"].startswith("Execution") else 1,
        "Seq": event["seq"],
    }


def error_record(event: Row) -> dict[str, Any]:
    payload = event["payload"]
    told = {"NodeHash": event["node_hash"], "Message": payload.get("Message"), "Timestamp": to_wire(event["emitted_at"])}
    return told | {"Handled": bool(payload.get("Handled"))}


def event_record(event: Row) -> dict[str, Any]:
    """A piece of a run's history, as watchers got it."""
    return {
        "EventType": event["event_type"],
        "RunHash": event["run_hash"],
        "Data": event["payload"],
        "EventGUID": event["event_guid"],
        "Seq": event["seq"],
        "EmittedAt": to_wire(event["emitted_at"]),
    }


def task_manifests(nodes: Sequence[Row], events: Iterable[Row], types: Mapping[str, Task]) -> dict[str, Any]:
    """Each node with its executions, from the history."""
    found = {node["node_hash"]: _task(node, types.get(node["type"])) for node in nodes}
    open_ones: dict[tuple[str, int], dict[str, Any]] = {}
    for event in events:
        task, key, payload = found.get(event["node_hash"]), (event["node_hash"], event["execution"]), event["payload"]
        if task is None:
            continue
        if event["event_type"] == "TaskStart":
            open_ones[key] = _execution(event)
            task["Executions"].append(open_ones[key])
        elif event["event_type"] in ("TaskComplete", "TaskError"):
            began = open_ones.pop(key, None)
            if began is None:
                began = _execution(event)
                task["Executions"].append(began)
            stop = {"StopTime": to_wire(event["emitted_at"]), "StopTimeMs": round(event["emitted_at"].timestamp() * 1000)}
            ended = {"ElapsedMs": payload.get("ElapsedMs") or 0, "Status": payload.get("Status"), "EventFired": payload.get("EventFired") or ""}
            began |= stop | ended | {"Log": payload.get("Log") or ([payload["Message"]] if payload.get("Message") else [])}
    return found


def _task(node: Row, type: Task | None) -> dict[str, Any]:
    made = type.record() if type is not None else {}
    return {
        "NodeHash": node["node_hash"],
        "DefinitionHash": node["type"],
        "TaskTypeName": made.get("Name") or node["type"],
        "Category": made.get("Category") or "",
        "Capability": made.get("Capability") or "",
        "Action": made.get("Action") or "",
        "Tier": made.get("Tier") or "",
        "Status": node["status"],
        "ExecutionCount": node["execution"],
        "Executions": [],
    }


def _execution(event: Row) -> dict[str, Any]:
    started = {"StartTime": to_wire(event["emitted_at"]), "StartTimeMs": round(event["emitted_at"].timestamp() * 1000)}
    open_end: dict[str, Any] = {"StopTime": None, "StopTimeMs": None, "ElapsedMs": None, "Status": "Running", "Log": [], "EventFired": ""}
    return {"TriggerEvent": event["payload"].get("TriggerEvent") or "", **started, **open_end}


def timing(manifests: Mapping[str, Any]) -> dict[str, Any]:
    """Where the time went: sums by category, capability and type, and the executions in the order of their beginning."""
    sums: dict[str, dict[str, dict[str, int]]] = {"ByCategory": {}, "ByCapability": {}, "ByTaskType": {}}
    timeline = []
    for task in manifests.values():
        for execution in task["Executions"]:
            for name, word in (("ByCategory", task["Category"]), ("ByCapability", task["Capability"]), ("ByTaskType", task["DefinitionHash"])):
                entry = sums[name].setdefault(word or "Unknown", {"Count": 0, "TotalMs": 0})
                entry["Count"] += 1
                entry["TotalMs"] += execution["ElapsedMs"] or 0
            timeline.append(
                {"NodeHash": task["NodeHash"], "TaskTypeName": task["TaskTypeName"]}
                | {name: execution[name] for name in ("StartTimeMs", "StopTimeMs", "ElapsedMs", "Status")}
            )
    return {**sums, "Timeline": sorted(timeline, key=lambda entry: entry["StartTimeMs"])}
