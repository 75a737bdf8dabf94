"""Which beacon could reach which, as far as the hub can tell: whether it reaches the target itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from app.hub.here import hub_id
from app.observer import questions
from app.observer.snapshot import connections
from schema.hub.rules.probing import standing, under_way
from schema.sql import to_wire

Row = Mapping[Any, Any]

#: Beacons whose pairs are told, newest contact first: the matrix grows with their square.
MOST_BEACONS = 50


def matrix() -> dict[str, Any]:
    """Every ordered pair of live beacons, with what the last try to reach the target says. The hub tries, and no beacon."""
    now = datetime.now(UTC)
    rows = questions.beacons(hub_id())
    connected = connections(hub_id(), [row["beacon_id"] for row in rows])
    tried = {row["beacon_id"]: row for row in questions.probes(hub_id())}
    told = {row["beacon_id"]: _tried(row, tried.get(row["beacon_id"]), now) for row in rows}
    near = [row["beacon_id"] for row in sorted(rows, key=lambda row: row["last_contact_at"], reverse=True)[:MOST_BEACONS]]
    return {
        "Matrix": {
            f"{source}::{target}": {"SourceBeaconID": source, "TargetBeaconID": target, **told[target]}
            for source in near
            for target in near
            if source != target
        },
        "Beacons": [_shown(row, row["beacon_id"] in connected) | {"Probe": told[row["beacon_id"]]} for row in rows],
        "Hub": {"HostID": hub_id(), "Name": "Ultravisor"},
        "GeneratedAt": to_wire(now),
    }


def settled(asked: Collection[str]) -> bool:
    """Whether none of these beacons is being tried any more."""
    now, wanted = datetime.now(UTC), set(asked)
    return not any(row["beacon_id"] in wanted and under_way(row, now) for row in questions.probes(hub_id()))


def _tried(row: Row, last: Row | None, now: datetime) -> dict[str, Any]:
    status = standing(bool(row["bind_addresses"]), last, now)
    known: Mapping[Any, Any] = last if last is not None and row["bind_addresses"] else {}
    return {
        "Status": status,
        "ProbeURL": known.get("url"),
        "LastProbed": to_wire(known.get("probed_at")),
        "LatencyMs": known.get("latency_ms") if status == "reachable" else None,
        "Detail": known.get("detail"),
        "ProbedBy": "hub",
        "UnderWay": under_way(last, now),
    }


def _shown(row: Row, connected: bool) -> dict[str, Any]:
    return {
        "BeaconID": row["beacon_id"],
        "Name": row["name"],
        "Status": row["status"],
        "HasListener": bool(row["bind_addresses"]),
        "WSConnected": connected,
        "BindAddresses": row["bind_addresses"],
        "HostID": row["host_id"],
    }
