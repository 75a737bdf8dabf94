"""Runs of operations as observers see them (ultravisor-hub 9.2): what is under way, and what has ended lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from schema.hub.ids import named_id
from schema.runs.rules.nodes import BUSY
from schema.runs.rules.run import LIVE
from schema.runs.tables import node, operation, run
from schema.sql import to_wire

Row = Mapping[Any, Any]
Told = dict[str, Any]

#: Runs under way that are told, and the newest among which ends are looked for.
MOST_LIVE, LOOKED_THROUGH = 100, 100
#: Nodes of all of them together.
MOST_NODES = 5_000

_OF_RUN = ("run_hash", "operation_hash", "operation_name", "status", "started_at", "stopped_at", "last_event_at", "ticket")
_RUNS = sa.select(*(run.c[name] for name in _OF_RUN)).where(run.c.hub == sa.bindparam("of_hub")).order_by(run.c.ticket.desc())
_UNDER_WAY = _RUNS.where(run.c.status.in_(LIVE)).limit(MOST_LIVE)
_NEWEST = _RUNS.limit(LOOKED_THROUGH)
_OF_NODE = ("run_hash", "node_hash", "type", "status", "waiting")
_NODES = (
    sa.select(*(node.c[name] for name in _OF_NODE))
    .where(node.c.run_hash.in_(sa.bindparam("hashes", expanding=True)), node.c.status.in_((*BUSY, "Complete")))
    .limit(MOST_NODES)
)
_SIZES = sa.select(operation.c.hash, operation.c.node_count).where(operation.c.id.in_(sa.bindparam("ids", expanding=True)))


def under_way(hub: str, items: Sequence[Row], now: datetime) -> dict[str, Told]:
    """Runs that have not ended, by their hash. `items` are the work items that are known anyway: they say who does what."""
    rows = ask(_UNDER_WAY, {"of_hub": hub})
    if not rows:
        return {}
    nodes: dict[str, list[Row]] = {row["run_hash"]: [] for row in rows}
    for found in ask(_NODES, {"hashes": list(nodes)}):
        nodes[found["run_hash"]].append(found)
    wanted = sorted({named_id(hub, row["operation_hash"]) for row in rows})
    sizes = {row["hash"]: row["node_count"] for row in ask(_SIZES, {"ids": wanted})}
    by_node = {(item["run_hash"], item["node_hash"]): item for item in items if item["run_hash"]}
    return {row["run_hash"]: _shown(row, nodes[row["run_hash"]], sizes.get(row["operation_hash"]), by_node, now) for row in rows}


def _shown(row: Row, nodes: Sequence[Row], size: int | None, items: Mapping[Any, Row], now: datetime) -> Told:
    done = [found for found in nodes if found["status"] == "Complete"]
    busy = [found for found in nodes if found["status"] in BUSY]
    return {
        "RunHash": row["run_hash"],
        "OperationHash": row["operation_hash"],
        "OperationName": row["operation_name"],
        "Status": row["status"],
        "StartTime": to_wire(row["started_at"]),
        "StopTime": None,
        "ElapsedMs": max(0, round((now - row["started_at"]).total_seconds() * 1000)),
        "ActiveNodes": [_node(found, items) for found in busy],
        "CompletedNodes": [_node(found, items) for found in done],
        "RemainingNodeCount": None if size is None else max(0, size - len(done)),
        "WaitingFor": [found["node_hash"] for found in busy if found["waiting"]],
        "ExpectedCompletionAt": None,
    }


def _node(found: Row, items: Mapping[Any, Row]) -> Told:
    item: Row = items.get((found["run_hash"], found["node_hash"])) or {}
    return {
        "NodeHash": found["node_hash"],
        "DefinitionHash": found["type"],
        "Status": found["status"],
        "WorkItemHash": item.get("work_item_hash"),
        "Capability": item.get("capability"),
        "Action": item.get("action"),
        "BeaconID": item.get("assigned_beacon_id"),
    }


def ended(hub: str) -> list[Told]:
    """Runs that have ended, among the newest."""
    return [
        {
            "Kind": "Operation",
            "RunHash": row["run_hash"],
            "OperationHash": row["operation_hash"],
            "OperationName": row["operation_name"],
            "Status": row["status"],
            "TerminatedAt": to_wire(row["stopped_at"]),
            "TerminalReason": "" if row["status"] == "Complete" else row["status"],
            "RetryEligible": row["status"] != "Complete",
        }
        for row in ask(_NEWEST, {"of_hub": hub})
        if row["stopped_at"] is not None
    ]
