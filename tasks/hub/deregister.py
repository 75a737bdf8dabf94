"""Let a beacon go."""

from __future__ import annotations

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import DeregisterBeacon
from schema.hub.tables import beacon
from schema.outcome import Done, Outcome, Refused
from tasks.hub import affinity
from tasks.hub.dispatch import dispatch
from tasks.hub.fleet import forget
from tasks.hub.lose import announce
from tasks.hub.release import held_items, release
from tasks.unit import Unit


def deregister(command: DeregisterBeacon, unit: Unit) -> Outcome:
    """Mark it as gone and queue again what it held. The row stays: its name keeps its BeaconID."""
    mine = (beacon.c.hub == command.hub) & (beacon.c.beacon_id == command.beacon_id)
    row = unit.read(sa.select(beacon).where(mine, beacon.c.status != "Deregistered")).mappings().one_or_none()
    if row is None:
        return Refused("not_found", f"There is no beacon {command.beacon_id}.")
    unit.change(sa.update(beacon).where(mine).values(status="Deregistered", session_id=None, last_contact_at=unit.now))
    forget(unit, command.hub)
    affinity.clear(unit, command.hub, row, leaves=True)
    release(unit, held_items(unit, command.hub, command.beacon_id), "beacon_deregistered")
    announce(unit, row, "Dead", "deregistered")
    unit.announce(Event("beacon", "beacon.deregistered", {"BeaconID": command.beacon_id}))
    unit.at_end(dispatch, command.hub)
    return Done({"Status": "Deregistered", "BeaconID": command.beacon_id})
