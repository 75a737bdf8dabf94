"""Know a beacon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import RegisterBeacon
from schema.hub.tables import beacon
from schema.hub.wire import beacon_record
from schema.outcome import Done, Outcome, Refused
from tasks.hub import affinity
from tasks.hub.dispatch import dispatch
from tasks.hub.fleet import forget
from tasks.hub.lose import announce
from tasks.hub.probe import readdressed
from tasks.hub.release import held_items, release
from tasks.hub.stall import unstall
from tasks.rows import Row
from tasks.unit import Unit

_BY_NAME = sa.select(beacon).where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.name == sa.bindparam("of_name"))


def register(command: RegisterBeacon, unit: Unit) -> Outcome:
    """Store or renew the beacon. A name keeps its BeaconID for ever, whatever connection it comes back on."""
    known = unit.read(_BY_NAME, {"of_hub": command.hub, "of_name": command.beacon_name}).mappings().one_or_none()
    if known is not None and not _may_have(command, known):
        return Refused("forbidden", f"The name {command.beacon_name} belongs to a beacon that joined with another login or secret.")
    row = _stored(command, unit, known)
    forget(unit, command.hub)
    affinity.name(unit, command.hub, row["beacon_id"], command.beacon_name)
    readdressed(unit, command.hub, row["beacon_id"], [] if known is None else known["bind_addresses"], command.bind_addresses)
    held = list(held_items(unit, command.hub, row["beacon_id"])) if known is not None else []
    if command.in_hand is not None:
        hand = {(hash, attempt) for hash, attempt in command.in_hand}
        gone = [item for item in held if (item["work_item_hash"], item["attempt_number"]) not in hand]
        release(unit, gone, "beacon_restarted")
        held = [item for item in held if item not in gone]
    unstall(unit, held)
    if known is not None:
        announce(unit, known, "Alive", "registered")
    unit.announce(Event("beacon", "beacon.registered", {"BeaconID": row["beacon_id"], "Name": command.beacon_name}))
    if command.operations:
        unit.tell("hub.operations_brought", {"hub": command.hub, "name": command.beacon_name, "operations": command.operations})
    unit.at_end(dispatch, command.hub)
    return Done(beacon_record(row, [item["work_item_hash"] for item in held]))


def _may_have(command: RegisterBeacon, known: Row) -> bool:
    """A name that a login or a join secret has taken is theirs until the beacon is let go."""
    return command.owner is None or known["owner"] in (None, command.owner) or known["status"] == "Deregistered"


def _stored(command: RegisterBeacon, unit: Unit, known: Row | None) -> Mapping[Any, Any]:
    """The beacon's row, new or renewed. What an operator has said about it stays."""
    row: dict[str, Any] = {
        **{name: getattr(command, name) for name in _TAKEN},
        "status": "Online",
        "actions": actions_of(command.capabilities, command.action_schemas),
        "registered_at": unit.now,
        "last_contact_at": unit.now,
    }
    if known is None:
        row = {"hub": command.hub, "beacon_id": _beacon_id(command.beacon_name, unit), "name": command.beacon_name, "paused_at": None} | row
        unit.add(beacon, row)
        return row
    unit.change(sa.update(beacon).where(beacon.c.hub == command.hub, beacon.c.beacon_id == known["beacon_id"]).values(row))
    return {**known, **row}


#: Fields of the command that are columns of the beacon.
_TAKEN = (
    *("session_id", "capabilities", "action_schemas", "max_concurrent", "tags", "contexts", "bind_addresses", "shared_mounts"),
    *("host_id", "presence_ms", "owner"),
)


def actions_of(capabilities: Iterable[str], schemas: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The actions that a beacon declares of each capability it offers; one of which it declares none it takes with any action."""
    found: dict[str, set[str]] = {}
    offered = set(capabilities)
    for schema in schemas:
        capability, action = schema.get("Capability"), schema.get("Action")
        if isinstance(capability, str) and isinstance(action, str) and action and capability in offered:
            found.setdefault(capability, set()).add(action)
    return {capability: sorted(actions) for capability, actions in sorted(found.items())}


def _beacon_id(name: str, unit: Unit) -> str:
    return f"bcn-{re.sub(r'[^a-z0-9]', '-', name.lower())[:80]}-{int(unit.now.timestamp() * 1000)}-{unit.new_id()[-6:]}"
