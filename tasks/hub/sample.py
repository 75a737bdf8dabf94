"""Write down how the queue stands: what plots are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.board_commands import SampleQueue
from schema.hub.rules.forecast import percentile
from schema.hub.rules.lifecycle import QUEUED
from schema.hub.rules.sampling import KEPT_SLOTS, began, slot_of
from schema.hub.tables import beacon, sample, tally, work_event
from schema.hub.wire import sample_record
from schema.outcome import Done, Outcome
from tasks.unit import Unit

#: Events of the last ten seconds that waits and runs are taken from, the newest first.
MOST_EVENTS = 1_000
#: Where an event says how long something took.
_WAIT, _RUN = ("dispatched", "QueueWaitMs"), ("completed", "DurationMs")


def take_sample(command: SampleQueue, unit: Unit) -> Outcome:
    """One row for the present ten seconds, whoever asks how often. What is older than a week goes."""
    slot = slot_of(unit.now)
    if unit.read(sa.select(sample.c.slot).where(sample.c.hub == command.hub, sample.c.slot == slot)).first() is not None:
        return Done({"Slot": slot, "Taken": False})
    row = {"hub": command.hub, "slot": slot, **_standing(unit, command.hub), **_lately(unit, command.hub, slot), **_fleet(unit, command.hub)}
    unit.add(sample, row)
    unit.announce(Event("pulse", "pulse.sampled", sample_record(row)))
    unit.change(sa.delete(sample).where(sample.c.hub == command.hub, sample.c.slot < slot - KEPT_SLOTS))
    return Done({"Slot": slot, "Taken": True})


def _standing(unit: Unit, hub: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    rows = unit.read(sa.select(tally.c.status, sa.func.sum(tally.c["items"]).label("n")).where(tally.c.hub == hub).group_by(tally.c.status))
    for row in rows:
        counts[row.status] = int(row.n)
    named = {"running": "Running", "stalled": "Stalled", "completed": "Complete", "errored": "Error", "canceled": "Canceled"}
    told = {name: counts[status] for name, status in named.items()}
    return told | {"waiting": sum(counts[status] for status in QUEUED), "stored": sum(counts.values())}


def _lately(unit: Unit, hub: str, slot: int) -> dict[str, int | None]:
    c = work_event.c
    kinds = [kind for kind, _ in (_WAIT, _RUN)]
    newest = sa.select(c.event_type, c.payload).where(c.hub == hub, c.emitted_at >= began(slot - 1)).order_by(c.emitted_at.desc()).limit(MOST_EVENTS)
    told: dict[str, list[int]] = {kind: [] for kind in kinds}
    names = dict((_WAIT, _RUN))
    for row in unit.read(newest):
        value = row.payload.get(names[row.event_type]) if row.event_type in names else None
        if isinstance(value, int):
            told[row.event_type].append(value)
    return {f"{word}_p{part}": _percentile(told[kind], part / 100) for word, (kind, _) in (("wait", _WAIT), ("run", _RUN)) for part in (50, 95)}


def _percentile(values: Sequence[int], part: float) -> int | None:
    return int(percentile(values, part)) if values else None


def _fleet(unit: Unit, hub: str) -> dict[str, Any]:
    there = sa.select(sa.func.count().label("n"), sa.func.sum(beacon.c.max_concurrent).label("slots"))
    row = unit.read(there.where(beacon.c.hub == hub, beacon.c.status == "Online")).one()
    return {"beacons": int(row.n), "slots": int(row.slots or 0)}
