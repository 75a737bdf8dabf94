"""Know a beacon."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import RegisterBeacon
from schema.hub.tables import beacon
from schema.hub.wire import beacon_record
from schema.outcome import Done, Outcome
from tasks.hub.dispatch import dispatch
from tasks.hub.release import held_items, release
from tasks.unit import Unit


def register(command: RegisterBeacon, unit: Unit) -> Outcome:
    """Store or renew the beacon. A name keeps its BeaconID for ever, whatever connection it comes back on."""
    known = unit.read(sa.select(beacon).where(beacon.c.hub == command.hub, beacon.c.name == command.beacon_name)).mappings().one_or_none()
    row: dict[str, Any] = {
        "session_id": command.session_id,
        "status": "Online",
        "capabilities": command.capabilities,
        "action_schemas": command.action_schemas,
        "max_concurrent": command.max_concurrent,
        "tags": command.tags,
        "contexts": command.contexts,
        "bind_addresses": command.bind_addresses,
        "shared_mounts": command.shared_mounts,
        "host_id": command.host_id,
        "presence_ms": command.presence_ms,
        "registered_at": unit.now,
        "last_contact_at": unit.now,
    }
    if known is None:
        row = {"hub": command.hub, "beacon_id": _beacon_id(command.beacon_name, unit), "name": command.beacon_name} | row
        unit.add(beacon, row)
    else:
        unit.change(sa.update(beacon).where(beacon.c.hub == command.hub, beacon.c.beacon_id == known["beacon_id"]).values(row))
        row = {**known, **row}
    held = held_items(unit, command.hub, row["beacon_id"]) if known is not None else []
    if command.in_hand is not None:
        hand = {(hash, attempt) for hash, attempt in command.in_hand}
        gone = [item for item in held if (item["work_item_hash"], item["attempt_number"]) not in hand]
        release(unit, gone, "beacon_restarted")
        held = [item for item in held if item not in gone]
    unit.announce(Event("beacon", "beacon.registered", {"BeaconID": row["beacon_id"], "Name": command.beacon_name}))
    unit.at_end(dispatch, command.hub)
    return Done(beacon_record(row, [item["work_item_hash"] for item in held]))


def _beacon_id(name: str, unit: Unit) -> str:
    return f"bcn-{re.sub(r'[^a-z0-9]', '-', name.lower())[:80]}-{int(unit.now.timestamp() * 1000)}-{unit.new_id()[-6:]}"
