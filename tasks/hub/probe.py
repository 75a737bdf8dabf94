"""Have beacons tried where they say that they listen, and note what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.probe_commands import NoteProbes, ProbeBeacons
from schema.hub.tables import beacon, probe
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.unit import Unit

#: Beacons of one request, those heard of last; and as many as one task takes.
MOST, TOGETHER = 500, 32
#: What a task may take: two rounds of its threads, slow names included.
SECONDS = 60.0

_LIVE = sa.select(beacon.c.beacon_id, beacon.c.bind_addresses).where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered")


def probe_beacons(command: ProbeBeacons, unit: Unit) -> Outcome:
    """Ask for a try of each beacon that announces an address."""
    asked = _LIVE.order_by(beacon.c.last_contact_at.desc()).limit(MOST)
    if command.beacon_ids is not None:
        asked = asked.where(beacon.c.beacon_id.in_(command.beacon_ids))
    rows = unit.read(asked, {"of_hub": command.hub}).all()
    unknown = set(command.beacon_ids or ()) - {row.beacon_id for row in rows}
    if unknown:
        return Refused("not_found", f"There is no beacon {min(unknown)}.")
    listening = sorted(row.beacon_id for row in rows if row.bind_addresses)
    ask(unit, command.hub, listening)
    return Done({"Success": True, "Asked": listening, "AskedAt": to_wire(unit.now)})


def ask(unit: Unit, hub: str, beacon_ids: Sequence[str]) -> None:
    """Write the request down, and ring for the tasks. What was found before stays until something else is."""
    mine = (probe.c.hub == hub) & probe.c.beacon_id.in_(beacon_ids)
    known = set(unit.read(sa.select(probe.c.beacon_id).where(mine)).scalars()) if beacon_ids else set()
    if known:
        unit.change(sa.update(probe).where(mine).values(asked_at=unit.now))
    for id in beacon_ids:
        if id not in known:
            unit.add(probe, {"hub": hub, "beacon_id": id, "asked_at": unit.now})
    for start in range(0, len(beacon_ids), TOGETHER):
        unit.call("probe", list(beacon_ids[start : start + TOGETHER]), seconds=SECONDS)


def readdressed(unit: Unit, hub: str, beacon_id: str, before: Sequence[Any], after: Sequence[Any]) -> None:
    """A beacon announces other addresses: what was found at the old ones is forgotten, and the new ones are tried where any may be."""
    if list(before) == list(after):
        return
    if before:
        unit.change(sa.delete(probe).where(probe.c.hub == hub, probe.c.beacon_id == beacon_id))
    if after and unit.settings.probe_allow:
        unit.notes.setdefault((probe, hub), {})[beacon_id] = True
        unit.at_end(_ask_noted, hub)


def _ask_noted(unit: Unit, hub: str) -> None:
    """One request for all beacons of the unit."""
    ask(unit, hub, sorted(unit.notes.pop((probe, hub), {})))


def note_probes(command: NoteProbes, unit: Unit) -> Outcome:
    """Write down what was found. What answers an earlier request than the last, or other addresses, is dropped."""
    noted = [result["BeaconID"] for result in command.results if _noted(command.hub, result, unit)]
    if noted:
        unit.announce(Event("beacon", "beacon.probed", {"BeaconIDs": noted}))
    return Done({"Noted": noted})


def _noted(hub: str, result: Mapping[str, Any], unit: Unit) -> bool:
    asked = datetime.fromtimestamp(result["Asked"] / 1000, UTC)
    mine = (probe.c.hub == hub) & (probe.c.beacon_id == result["BeaconID"]) & (probe.c.asked_at == asked)
    found = {"status": result["Status"], "url": result["URL"], "detail": result["Detail"], "latency_ms": result["LatencyMs"]}
    return unit.change(sa.update(probe).where(mine).values(probed_at=unit.now, **found)).rowcount > 0
