"""The catalog of actions, put together from what the beacons say of themselves when they register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[Any, Any]


def actions_of(beacons: Sequence[Row]) -> list[dict[str, Any]]:
    """Every action with its newest description; `beacons` in the order of their registration, those that are away included.

    A beacon that has a capability and describes no action of it takes any, so it makes every action of it available.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in beacons:
        for schema in row["action_schemas"]:
            key = _key(schema)
            if key is not None:
                found[key] = _described(*key, schema) | {"SourceBeacons": found.get(key, {"SourceBeacons": []})["SourceBeacons"] + [row["beacon_id"]]}
    online = [row for row in beacons if row["status"] == "Online"]
    for (capability, action), record in found.items():
        record["Available"] = any(_takes(row, capability, action) for row in online)
    return [found[key] for key in sorted(found)]


def _key(schema: Any) -> tuple[str, str] | None:
    """What a schema describes; None for one that names nothing."""
    if not isinstance(schema, dict):
        return None
    capability, action = schema.get("Capability"), schema.get("Action")
    return (capability, action) if isinstance(capability, str) and isinstance(action, str) and capability and action else None


def _described(capability: str, action: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Capability": capability,
        "Action": action,
        "Description": schema.get("Description") or "",
        "SettingsSchema": schema.get("SettingsSchema") or [],
        "Available": False,
    }


def _takes(row: Row, capability: str, action: str) -> bool:
    """As `Hand.takes`: of a capability whose actions it does not list, a beacon takes any."""
    listed = (row["actions"] or {}).get(capability)
    return capability in row["capabilities"] and (listed is None or action in listed)
