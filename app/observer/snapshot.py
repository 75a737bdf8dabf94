"""The hub in one look (ultravisor-hub 9.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from app.broker import broker
from app.hub import contact, waiting
from app.hub.here import hub_id
from app.observer import questions, running
from schema import envelope as keys
from schema.hub.rules.forecast import SAMPLES
from schema.hub.rules.presence import DEFAULT_PRESENCE_MS, LIVENESS, heartbeat_ms
from schema.hub.rules.why import blocking_reason, eligible
from schema.sql import to_wire

Row = Mapping[Any, Any]
Told = dict[str, Any]

#: Items that have ended, as many as are told.
RECENT_TERMINAL = 100
#: Items at work that are looked at.
MOST_HELD = 20_000
#: How an observer calls the reason for a liveness.
REASONS = {"Alive": "", "Suspect": "heartbeat_late", "Dead": "heartbeat_timeout"}

POLICY = {
    "HeartbeatExpectedMs": heartbeat_ms(DEFAULT_PRESENCE_MS),
    "SuspectAfterMs": DEFAULT_PRESENCE_MS // 2,
    "DeadAfterMs": DEFAULT_PRESENCE_MS,
    "RecentTerminal": RECENT_TERMINAL,
    "RecentDurations": SAMPLES,
}


def taken(most: int) -> Told:
    """Everything at once; the waiting items are the first `most` in the order of dispatch."""
    hub, now = hub_id(), datetime.now(UTC)
    rows, working, ended = questions.beacons(hub), questions.held(hub, MOST_HELD), questions.ended(hub)
    alive = {row["beacon_id"]: row["status"] for row in rows}
    over = [_terminal(row, alive) for row in ended[:RECENT_TERMINAL]] + running.ended(hub)
    return {
        "SchemaVersion": "1",
        "GeneratedAt": to_wire(now),
        "HubInstanceID": hub,
        "Beacons": _beacons(hub, rows, working, durations_by(ended, "assigned_beacon_id")),
        "Operations": running.under_way(hub, [*ended, *working], now),
        "UpcomingQueue": upcoming_rows(hub, questions.upcoming(hub, most), now),
        "RecentTerminal": sorted(over, key=lambda row: row["TerminatedAt"] or "", reverse=True),
        "Policy": POLICY,
    }


def _beacons(hub: str, rows: Sequence[Row], working: Sequence[Row], durations: Mapping[Any, Told]) -> dict[str, Told]:
    ids = [row["beacon_id"] for row in rows]
    contacts, connected = contact.last_contacts(broker().quick, hub, ids), connections(hub, ids)
    hands: dict[str, list[str]] = {}
    for item in working:
        hands.setdefault(item["assigned_beacon_id"], []).append(item["work_item_hash"])
    return {
        row["beacon_id"]: {
            "BeaconID": row["beacon_id"],
            "Name": row["name"],
            "Capabilities": row["capabilities"],
            "MaxConcurrent": row["max_concurrent"],
            "Liveness": LIVENESS[row["status"]],
            "LivenessReason": REASONS[LIVENESS[row["status"]]],
            "LivenessTransitionAt": to_wire(row["last_contact_at"]),
            "LastHeartbeatAt": to_wire(_later(row["last_contact_at"], contacts.get(row["beacon_id"]))),
            "RegisteredAt": to_wire(row["registered_at"]),
            "WSConnected": row["beacon_id"] in connected,
            "CurrentWorkItems": hands.get(row["beacon_id"], []),
            "RecentDurations": durations.get(row["beacon_id"], {}),
        }
        for row in rows
    }


def connections(hub: str, ids: Sequence[str]) -> set[str]:
    """Beacons with an open WebSocket, as far as the broker knows."""
    if not ids:
        return set()
    try:
        found: Any = broker().quick.mget([keys.connection(hub, id) for id in ids])
    except redis.RedisError:
        return set()
    return {id for id, token in zip(ids, found, strict=True) if token is not None}


def _later(moment: datetime, milliseconds: int | None) -> datetime:
    return moment if milliseconds is None else max(moment, datetime.fromtimestamp(milliseconds / 1000, UTC))


def durations_by(ended: Sequence[Row], column: str) -> dict[Any, Told]:
    """Milliseconds of the newest completed items by a column, each by action: `Shell/Execute`. The newest comes first."""
    found: dict[Any, Told] = {}
    for row in ended:
        if row["status"] == "Complete" and row["dispatched_at"] and row["completed_at"]:
            taken_ms = int((row["completed_at"] - row["dispatched_at"]).total_seconds() * 1000)
            times = found.setdefault(row[column], {}).setdefault(f"{row['capability']}/{row['action']}", [])
            if len(times) < SAMPLES:
                times.append(taken_ms)
    return found


def upcoming_rows(hub: str, items: Sequence[Row], now: datetime) -> list[Told]:
    """Waiting items with what keeps them from every beacon. Those that want the same are judged once."""
    house = waiting.house_of(hub, items) if items else None
    judged: dict[tuple[Any, ...], tuple[list[str], str | None]] = {}
    told = []
    for item in items:
        wants = (item["capability"], item["action"], item["affinity_key"], item["require_affinity_match"])
        if wants not in judged:
            assert house is not None
            situation = waiting.situation_of(item, house)
            judged[wants] = [candidate.beacon_id for candidate in eligible(situation)], blocking_reason(situation)
        told.append(_upcoming(item, now, *judged[wants]))
    return told


def _upcoming(item: Row, now: datetime, beacons: Sequence[str], reason: str | None) -> Told:
    return {
        "WorkItemHash": item["work_item_hash"],
        "RunHash": item["run_hash"],
        "Capability": item["capability"],
        "Action": item["action"],
        "Priority": item["priority"],
        "EnqueuedAt": to_wire(item["enqueued_at"]),
        "AgeMs": max(0, int((now - item["enqueued_at"]).total_seconds() * 1000)),
        "Status": item["status"],
        "EligibleBeacons": beacons,
        "BlockingReason": reason,
    }


def _terminal(row: Row, alive: Mapping[str, str]) -> Told:
    ended = row["canceled_at"] if row["status"] == "Canceled" else row["completed_at"]
    return {
        "Kind": "WorkItem",
        "WorkItemHash": row["work_item_hash"],
        "RunHash": row["run_hash"],
        "NodeHash": row["node_hash"],
        "Capability": row["capability"],
        "Action": row["action"],
        "BeaconID": row["assigned_beacon_id"],
        "Status": row["status"],
        "TerminatedAt": to_wire(ended),
        "TerminalReason": row["cancel_reason"] if row["status"] == "Canceled" else row["last_error"],
        "RetryEligible": row["status"] != "Complete",
        "BeaconLastLiveness": LIVENESS.get(alive.get(row["assigned_beacon_id"], ""), "Dead") if row["assigned_beacon_id"] else None,
    }
