"""Give up a silent beacon, and welcome it back."""

from __future__ import annotations

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import GreetBeacon, LoseBeacon
from schema.hub.tables import beacon
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.release import held_items, release
from tasks.unit import Unit


def lose(command: LoseBeacon, unit: Unit) -> Outcome:
    """Mark the beacon Offline and queue again what it held."""
    if not _turn(unit, command, "Online", "Offline"):
        return Refused("conflict", "The beacon is not online.")
    release(unit, held_items(unit, command.hub, command.beacon_id), "beacon_silent")
    told = {"BeaconID": command.beacon_id, "From": "Alive", "To": "Dead", "Reason": "heartbeat_timeout", "SilentMs": command.silent_ms}
    unit.announce(Event("beacon", "observer.beacon.liveness_changed", told))
    unit.at_end(dispatch, command.hub)
    return Done()


def greet(command: GreetBeacon, unit: Unit) -> Outcome:
    """Mark the beacon Online again; it takes work from now on."""
    if not _turn(unit, command, "Offline", "Online"):
        return Refused("conflict", "The beacon is not offline.")
    told = {"BeaconID": command.beacon_id, "From": "Dead", "To": "Alive", "Reason": "contact"}
    unit.announce(Event("beacon", "observer.beacon.liveness_changed", told))
    unit.at_end(dispatch, command.hub)
    return Done()


def _turn(unit: Unit, command: LoseBeacon | GreetBeacon, before: str, after: str) -> bool:
    mine = (beacon.c.hub == command.hub) & (beacon.c.beacon_id == command.beacon_id) & (beacon.c.status == before)
    values = {"status": after} if after == "Offline" else {"status": after, "last_contact_at": unit.now}
    return unit.change(sa.update(beacon).where(mine).values(values)).rowcount == 1
