"""Which beacon could reach which. The hub probes nobody yet: what is told is who listens at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.hub.here import hub_id
from app.observer import questions
from app.observer.snapshot import connections
from schema.sql import to_wire

Row = Mapping[Any, Any]

#: Beacons whose pairs are told, newest contact first: the matrix grows with their square.
MOST_BEACONS = 50


def matrix() -> dict[str, Any]:
    """Every ordered pair of live beacons, `untested` where the target listens and `no-listener` where it does not."""
    rows = questions.beacons(hub_id())
    connected = connections(hub_id(), [row["beacon_id"] for row in rows])
    pairs = _compared(sorted(rows, key=lambda row: row["last_contact_at"], reverse=True)[:MOST_BEACONS])
    return {
        "Matrix": pairs,
        "Beacons": [_shown(row, row["beacon_id"] in connected) for row in rows],
        "Hub": {"HostID": hub_id(), "Name": "Ultravisor"},
        "GeneratedAt": to_wire(datetime.now(UTC)),
    }


def _compared(rows: list[Row]) -> dict[str, Any]:
    return {
        f"{source['beacon_id']}::{target['beacon_id']}": {
            "SourceBeaconID": source["beacon_id"],
            "TargetBeaconID": target["beacon_id"],
            "Status": "untested" if target["bind_addresses"] else "no-listener",
            "ProbeURL": None,
            "LastProbed": None,
        }
        for source in rows
        for target in rows
        if source["beacon_id"] != target["beacon_id"]
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
