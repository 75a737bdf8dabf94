"""Compare both sides of a hub's persistence, row by row, and say what differs. Changes nothing on either side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from schema.bridge.commands import Verify
from schema.bridge.rules.retention import Keeping
from schema.bridge.sources import SOURCES, Source
from schema.ledger.tables import change
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.bridge import scanning
from tasks.bridge.keeping import keeping_of
from tasks.bridge.landing import Landing
from tasks.bridge.scanning import Scan
from tasks.failures import is_transient
from tasks.gateway.opening import engine_for
from tasks.loose import Desk
from tasks.unit import look

#: Keys that are named of what differs.
NAMED = 20
#: Buckets that are looked through: more of them differ only where most rows do.
LOOKED = 32

_MOVING = sa.select(change.c.row_key).where(
    change.c.hub == sa.bindparam("of_hub"), change.c.source == sa.bindparam("source"), change.c.number > sa.bindparam("after")
)


def verify(command: Verify, desk: Desk) -> Outcome:
    """Counts and checksums of each table on both sides, and the first keys that differ. Rows that are on their way count as equal."""
    kernel = desk.kernel
    landing = Landing(engine_for(kernel, command.connection, "study", live=False), command.hub)
    try:
        if landing.read_mark() is None:
            return Refused("conflict", "This database holds nothing of this hub yet.", {"Success": False})
        with look(kernel.engine) as control:
            keeping, now = keeping_of(control, command.hub), kernel.now()
            found = {source.scope: _compared(control, landing, source, keeping, now) for source in SOURCES.values()}
    except (exc.ProgrammingError, exc.OperationalError) as error:
        if is_transient(error):
            raise
        return Refused("conflict", f"The tables are not as they were made: {str(error.orig).partition(chr(10))[0]}", {"Success": False})
    equal = all(part["Equal"] for part in found.values())
    told = {"UltravisorInstanceID": command.hub, "IDBeaconConnection": command.connection, "At": to_wire(kernel.now())}
    return Done({"Success": True, **told, "Equal": equal, "Tables": found})


def _compared(control: sa.Connection, landing: Landing, source: Source, keeping: Keeping, at: datetime) -> dict[str, Any]:
    """First the sums of all rows; then, where they differ, single rows of the parts that differ."""
    ours = scanning.scanned(scanning.here(control, source, landing.hub, keeping, at))
    theirs = scanning.scanned(scanning.there(landing, source))
    odd = frozenset([bucket for bucket in range(scanning.BUCKETS) if ours.sums[bucket] != theirs.sums[bucket]][:LOOKED])
    missing: set[str] = set()
    extra: set[str] = set()
    different: set[str] = set()
    moving: set[str] = set()
    if odd:
        mark = landing.read_mark()
        again = scanning.scanned(scanning.there(landing, source), odd)
        now = scanning.scanned(scanning.here(control, source, landing.hub, keeping, at), odd)
        given = {"of_hub": landing.hub, "source": source.name, "after": mark.position if mark else -1}
        moving = set(control.execute(_MOVING, given).scalars())
        missing, extra, different = _apart(now, again, moving)
    return {
        "Equal": not (missing or extra or different),
        "Rows": {"Hub": ours.count, "Database": theirs.count},
        "Checksum": {"Hub": ours.checksum, "Database": theirs.checksum},
        "InFlight": len(moving),
        "Missing": _named(missing),
        "Extra": _named(extra),
        "Different": _named(different),
    }


def _apart(ours: Scan, theirs: Scan, moving: set[str]) -> tuple[set[str], set[str], set[str]]:
    missing = ours.digests.keys() - theirs.digests.keys() - moving
    extra = theirs.digests.keys() - ours.digests.keys() - moving
    both = ours.digests.keys() & theirs.digests.keys()
    return missing, extra, {key for key in both if ours.digests[key] != theirs.digests[key]} - moving


def _named(keys: set[str]) -> dict[str, Any]:
    return {"Count": len(keys), "Keys": sorted(keys)[:NAMED]}
