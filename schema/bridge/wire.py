"""The bridge's wire: the only place that knows both the clients' names and ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schema.bridge.rules.states import UNASSIGNED
from schema.sql import to_wire

Row = Mapping[Any, Any]


def progress_record(hub: str, connection: int, last: int, position: int, counts: Mapping[str, int], copying: str, seconds: float) -> dict[str, Any]:
    """How far the rows have come."""
    return {
        "UltravisorInstanceID": hub,
        "IDBeaconConnection": connection,
        "Position": position,
        "LagRows": max(0, last - position),
        "LagSeconds": round(seconds, 1) if last > position else 0.0,
        "Copying": copying,
        "Tables": dict(counts),
    }


def status_record(row: Row | None) -> dict[str, Any]:
    """One of the two parts of a hub's persistence."""
    if row is None or row["state"] == UNASSIGNED:
        return {
            "State": UNASSIGNED,
            "AssignedBeaconID": None,
            "IDBeaconConnection": 0,
            "LastError": None,
            "BootstrappedAt": None,
            "AssignedAt": None,
        }
    return {
        "State": row["state"],
        "AssignedBeaconID": row["beacon"],
        "IDBeaconConnection": row["connection_id"],
        "LastError": row["error"] or None,
        "BootstrappedAt": to_wire(row["bootstrapped_at"]),
        "AssignedAt": to_wire(row["assigned_at"]),
    }


def retention_record(row: Row | None) -> dict[str, Any]:
    """How long ended items are kept there."""
    found = row or {"retention_days": 0, "cancelled_retention_days": 0, "legal_hold": False}
    return {
        "RetentionDays": found["retention_days"],
        "CancelledRetentionDays": found["cancelled_retention_days"],
        "LegalHold": bool(found["legal_hold"]),
    }


def persistence_record(
    hub: str, row: Row | None, lag: int | None, seconds: float | None, counts: Mapping[str, int], others: list[str]
) -> dict[str, Any]:
    """A hub's persistence as pages and clients see it. Both parts of the original are one here: they share state and connection."""
    shown = status_record(row)
    return {
        "UltravisorInstanceID": hub,
        "State": shown["State"],
        "LastError": shown["LastError"],
        "Queue": shown,
        "Manifest": shown,
        "LagRows": lag,
        "LagSeconds": seconds,
        "Tables": dict(counts),
        "UsedBy": others,
        "Retention": retention_record(row),
    }


def event_record(row: Row) -> dict[str, Any]:
    """A move from one state to another."""
    return {
        "EventGUID": row["id"],
        "At": to_wire(row["at"]),
        "Happening": row["happening"],
        "FromState": row["from_state"],
        "ToState": row["to_state"],
        "IDBeaconConnection": row["connection_id"],
        "Actor": row["actor"],
        "Reason": row["reason"],
    }


def instance_record(id: int, hub: str, row: Row | None, beacon_id: Callable[[str], int]) -> dict[str, Any]:
    """A hub as the lab lists it. This one runs, for it answers."""
    assigned = row is not None and row["connection_id"]
    return {
        "IDUltravisorInstance": id,
        "Name": hub,
        "Runtime": "process",
        "Status": "running",
        "IDPersistenceBeacon": beacon_id(row["beacon"]) if row is not None and assigned else 0,
        "IDPersistenceConnection": row["connection_id"] if row is not None else 0,
    }


def databeacon_record(id: int, name: str, hub: int, liveness: str) -> dict[str, Any]:
    """A databeacon as the lab lists it. `liveness` as beacons have it, `Unknown` for one that has never been there."""
    told = {"IDBeacon": id, "Name": name, "BeaconType": "retold-databeacon", "Runtime": "process", "IDUltravisorInstance": hub}
    return {**told, "Liveness": liveness}


def persistence_choice(told: Mapping[str, Any], beacon: Mapping[str, Any] | None, connection: Mapping[str, Any] | None) -> dict[str, Any]:
    """A hub's persistence as the lab shows it."""
    return {
        "IDPersistenceBeacon": beacon["IDBeacon"] if beacon else 0,
        "IDPersistenceConnection": told["Queue"]["IDBeaconConnection"],
        "BeaconRecord": beacon,
        "ConnectionRecord": connection,
        "BootstrappedAt": told["Queue"]["BootstrappedAt"],
        **told,
    }
