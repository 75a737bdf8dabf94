"""Keep beacons or capabilities from new work, and let them go on."""

from __future__ import annotations

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import MoveLine, PauseBeacon, PauseCapability
from schema.hub.rules import lines
from schema.hub.tables import beacon, pause
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.hub import affinity
from tasks.hub.dispatch import dispatch
from tasks.hub.release import held_items
from tasks.unit import Unit


def pause_beacon(command: PauseBeacon, unit: Unit) -> Outcome:
    """Pause or resume. What a paused beacon holds goes on; what only sticks to it may go elsewhere. `Drained`: it holds nothing any more."""
    mine = (beacon.c.hub == command.hub) & (beacon.c.beacon_id == command.beacon_id)
    row = unit.read(sa.select(beacon).where(mine, beacon.c.status != "Deregistered")).mappings().one_or_none()
    if row is None:
        return Refused("not_found", f"There is no beacon {command.beacon_id}.")
    since = row["paused_at"]
    if (since is not None) != command.paused:
        since = unit.now if command.paused else None
        unit.change(sa.update(beacon).where(mine).values(paused_at=since))
        told = {"BeaconID": command.beacon_id, "Name": row["name"]}
        unit.announce(Event("beacon", "beacon.paused", told) if command.paused else Event("beacon", "beacon.resumed", told))
        if command.paused:
            affinity.clear(unit, command.hub, row)
        unit.at_end(dispatch, command.hub)
    held = [item["work_item_hash"] for item in held_items(unit, command.hub, command.beacon_id)]
    answer = {"Success": True, "BeaconID": command.beacon_id, "Paused": command.paused, "PausedAt": to_wire(since)}
    return Done(answer | {"CurrentWorkItems": held, "Drained": command.paused and not held})


def pause_capability(command: PauseCapability, unit: Unit) -> Outcome:
    """Pause or resume. Items of a paused capability stay in the queue; those that are under way go on."""
    mine = (pause.c.hub == command.hub) & (pause.c.capability == command.capability)
    row = unit.read(sa.select(pause).where(mine)).mappings().one_or_none()
    since = None if row is None else row["paused_at"]
    if command.paused and row is None:
        since = unit.now
        unit.add(pause, {"hub": command.hub, "capability": command.capability, "paused_at": since, "reason": command.reason})
        unit.announce(Event("beacon", "capability.paused", {"Capability": command.capability, "Reason": command.reason}))
    if not command.paused and row is not None:
        since = None
        unit.change(sa.delete(pause).where(mine))
        unit.announce(Event("beacon", "capability.resumed", {"Capability": command.capability}))
        unit.order(MoveLine(hub=command.hub, line=lines.paused(command.capability)))
        unit.at_end(dispatch, command.hub)
    return Done({"Success": True, "Capability": command.capability, "Paused": command.paused, "PausedAt": to_wire(since)})
