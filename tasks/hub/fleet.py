"""The beacons, as far as a judgement about a new item needs them: read once per unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from schema.hub.rules.admission import Fleet
from schema.hub.tables import beacon
from tasks.unit import Unit

#: A beacon that was heard of so recently still counts among those that should be alive.
COUNTS_FOR = timedelta(minutes=5)

_BEACONS = sa.select(beacon.c.name, beacon.c.status, beacon.c.capabilities, beacon.c.last_contact_at).where(
    beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered"
)


def _rows(unit: Unit, hub: str) -> Sequence[Any]:
    rows: Sequence[Any] | None = unit.notes.get((beacon, hub))
    if rows is None:
        rows = unit.notes[beacon, hub] = unit.read(_BEACONS, {"of_hub": hub}).all()
    return rows


def forget(unit: Unit, hub: str) -> None:
    """A beacon has changed in this unit: look again."""
    unit.notes.pop((beacon, hub), None)


def offers(unit: Unit, hub: str, capability: str, affinity_key: str = "") -> bool:
    """Whether a beacon that has not left offers the capability, or is named."""
    return any(capability in row.capabilities or (affinity_key and row.name == affinity_key) for row in _rows(unit, hub) if row.status != "Offline")


def fleet(unit: Unit, hub: str) -> Fleet:
    """Beacons that are alive, of those that are or recently were."""
    counted = [row for row in _rows(unit, hub) if row.status != "Offline" or row.last_contact_at > unit.now - COUNTS_FOR]
    return Fleet(sum(row.status == "Online" for row in counted), len(counted))
