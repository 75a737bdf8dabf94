"""Items whose holder is silent: they go on, but somebody should know."""

from __future__ import annotations

from collections.abc import Iterable

from schema.sql import to_wire
from tasks.hub.items import happen, moment
from tasks.rows import Row
from tasks.unit import Unit


def stall(unit: Unit, items: Iterable[Row], silent_ms: int) -> None:
    """Mark what a late beacon holds."""
    for item in items:
        if item["status"] != "Running":
            continue
        told = {
            "Capability": item["capability"],
            "Action": item["action"],
            "LastEventAt": to_wire(item["last_event_at"]),
            "StalledSince": moment(unit),
            "StalledSinceMs": silent_ms,
        }
        happen(unit, item, "stalled", "stalled", told, item["assigned_beacon_id"])


def unstall(unit: Unit, items: Iterable[Row]) -> None:
    """The holder is back, and its items go on as if nothing had been."""
    for item in items:
        if item["status"] == "Stalled":
            happen(unit, item, "unstalled", "unstalled", {"RecoveredAt": moment(unit)}, item["assigned_beacon_id"])
