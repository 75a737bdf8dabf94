"""How the queue stood over a time, in as many points as a plot can show, however long that time is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.answers import Blueprint, refuse
from app.hub.here import hub_id
from app.hub.pages import SamplesQuery
from app.reading import ask
from schema.hub.rules.sampling import KEPT_SLOTS, SLOT_SECONDS, slot_of, slots_per_point
from schema.hub.rules.timeline import moment_of
from schema.hub.tables import sample
from schema.sql import to_wire

plots = Blueprint("hub_plots", __name__, description="How the queue stood over a time.")

Row = Mapping[Any, Any]

#: What a point tells as it was at its highest, by the name on the wire.
HIGHEST = {
    "Waiting": "waiting",
    "Running": "running",
    "Stalled": "stalled",
    "Beacons": "beacons",
    "Slots": "slots",
    "WaitP50Ms": "wait_p50",
    "WaitP95Ms": "wait_p95",
    "RunP50Ms": "run_p50",
    "RunP95Ms": "run_p95",
}
#: What a point tells as a rate: differences of counts that only grow, but for items that somebody queued again.
RATES = {"StoredPerMinute": "stored", "CompletedPerMinute": "completed", "ErroredPerMinute": "errored", "CanceledPerMinute": "canceled"}

_HIGHEST = [sa.func.max(sample.c[name]).label(name) for name in ("slot", *HIGHEST.values(), *RATES.values())]
_POINT = (sample.c.slot // sa.bindparam("per")).label("point")
_SAMPLES = (
    sa.select(
        _POINT, sa.func.max(sample.c.slot).label("slot"), *(sa.func.max(sample.c[name]).label(name) for name in (*HIGHEST.values(), *RATES.values()))
    )
    .where(sample.c.hub == sa.bindparam("of_hub"), sample.c.slot.between(sa.bindparam("first"), sa.bindparam("last")))
    .group_by(_POINT)
    .order_by(_POINT)
)


@plots.route("/api/samples")
@plots.arguments(SamplesQuery, location="query")
def samples(query: dict[str, Any]) -> dict[str, Any]:
    """How the queue stood over a time: columns of equal length, null where nobody looked."""
    now = datetime.now(UTC)
    try:
        begin, end = moment_of(query["from_"], now), min(moment_of(query["to"], now), now)
    except ValueError as error:
        refuse("bad_request", f"The range cannot be read: {error}.")
    if end < begin:
        refuse("bad_request", "The range ends before it begins.")
    last = slot_of(end)
    first = max(slot_of(begin), last - KEPT_SLOTS)
    per = slots_per_point(first, last)
    # One point earlier: a rate is told from where it began.
    rows = ask(_SAMPLES, {"of_hub": hub_id(), "first": (first // per - 1) * per, "last": last, "per": per})
    found = {int(row["point"]): row for row in rows}
    places = range(first // per, last // per + 1)
    return {
        "From": to_wire(begin),
        "To": to_wire(end),
        "SecondsPerPoint": per * SLOT_SECONDS,
        "At": [place * per * SLOT_SECONDS for place in places],
        **{name: [found[place][column] if place in found else None for place in places] for name, column in HIGHEST.items()},
        **{name: [_rate(found.get(place - 1), found.get(place), column) for place in places] for name, column in RATES.items()},
    }


def _rate(before: Row | None, now: Row | None, column: str) -> float | None:
    """Per minute, since the point before; None where one of the two is not known."""
    if before is None or now is None:
        return None
    seconds = (now["slot"] - before["slot"]) * SLOT_SECONDS
    return round(max(0, int(now[column]) - int(before[column])) * 60 / seconds, 2)
