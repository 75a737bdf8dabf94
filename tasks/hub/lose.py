"""Doubt a silent beacon, give it up, and welcome it back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import GreetBeacon, LoseBeacon, SuspectBeacon
from schema.hub.rules.presence import LIVENESS
from schema.hub.tables import beacon
from schema.outcome import Done, Outcome, Refused
from tasks.hub import affinity
from tasks.hub.dispatch import dispatch
from tasks.hub.fleet import forget
from tasks.hub.items import moment
from tasks.hub.release import held_items, release
from tasks.hub.stall import stall, unstall
from tasks.rows import Row
from tasks.unit import Unit


def suspect(command: SuspectBeacon, unit: Unit) -> Outcome:
    """Mark the beacon Suspect: no new work; what it holds is stalled."""
    row = _turn(unit, command, ("Online",), "Suspect", "heartbeat_late", SilentMs=command.silent_ms)
    if row is None:
        return Refused("conflict", "The beacon is not online.")
    stall(unit, held_items(unit, command.hub, command.beacon_id), command.silent_ms)
    return Done()


def lose(command: LoseBeacon, unit: Unit) -> Outcome:
    """Mark the beacon Offline, queue again what it held, and let go of what sticks to it."""
    row = _turn(unit, command, ("Online", "Suspect"), "Offline", command.reason, SilentMs=command.silent_ms)
    if row is None:
        return Refused("conflict", "The beacon is not online.")
    affinity.clear(unit, command.hub, row)
    release(unit, held_items(unit, command.hub, command.beacon_id), "beacon_silent")
    unit.at_end(dispatch, command.hub)
    return Done()


def greet(command: GreetBeacon, unit: Unit) -> Outcome:
    """Mark the beacon Online again; it takes work from now on."""
    if _turn(unit, command, ("Offline", "Suspect"), "Online", "contact", last_contact_at=unit.now) is None:
        return Refused("conflict", "The beacon is neither late nor offline.")
    unstall(unit, held_items(unit, command.hub, command.beacon_id))
    unit.at_end(dispatch, command.hub)
    return Done()


def _turn(unit: Unit, command: Any, before: tuple[str, ...], after: str, reason: str, last_contact_at: Any = None, **told: Any) -> Row | None:
    """Change the beacon's status and announce it. Returns the row as it was, None when it is in none of the states before."""
    mine = (beacon.c.hub == command.hub) & (beacon.c.beacon_id == command.beacon_id)
    row = unit.read(sa.select(beacon).where(mine, beacon.c.status.in_(before))).mappings().one_or_none()
    if row is None:
        return None
    values = {"status": after} if last_contact_at is None else {"status": after, "last_contact_at": last_contact_at}
    unit.change(sa.update(beacon).where(mine).values(values))
    forget(unit, command.hub)
    announce(unit, row, LIVENESS[after], reason, **told)
    return row


def announce(unit: Unit, row: Row, after: str, reason: str, **told: Any) -> None:
    """Tell that the beacon's liveness has changed, if it has."""
    before = LIVENESS[row["status"]]
    if before != after:
        said = {"BeaconID": row["beacon_id"], "Name": row["name"], "From": before, "To": after, "Reason": reason, "At": moment(unit)}
        unit.announce(Event("beacon", "observer.beacon.liveness_changed", said | told))
