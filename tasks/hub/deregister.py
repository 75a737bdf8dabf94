"""Let a beacon go."""

from __future__ import annotations

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import DeregisterBeacon
from schema.hub.tables import beacon
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.release import held_items, release
from tasks.unit import Unit


def deregister(command: DeregisterBeacon, unit: Unit) -> Outcome:
    """Mark it as gone and queue again what it held. The row stays: its name keeps its BeaconID."""
    mine = (beacon.c.hub == command.hub) & (beacon.c.beacon_id == command.beacon_id)
    values = {"status": "Deregistered", "session_id": None, "last_contact_at": unit.now}
    left = unit.change(sa.update(beacon).where(mine, beacon.c.status != "Deregistered").values(values))
    if left.rowcount == 0:
        return Refused("not_found", f"There is no beacon {command.beacon_id}.")
    release(unit, held_items(unit, command.hub, command.beacon_id), "beacon_deregistered")
    unit.announce(Event("beacon", "beacon.deregistered", {"BeaconID": command.beacon_id}))
    unit.at_end(dispatch, command.hub)
    return Done({"Status": "Deregistered", "BeaconID": command.beacon_id})
