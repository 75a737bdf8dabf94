"""Begin what schedules are due for, each moment once; and go on with what waits for its turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from schema.base import Actor, Event
from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import AbandonRun, FireSchedules, OccurrenceEnded, StartOperation, TrimOccurrences
from schema.runs.ids import occurrence_id, run_hash_for
from schema.runs.rules.firing import due, judge
from schema.runs.rules.schedule import next_after
from schema.runs.tables import occurrence, schedule, scheduling
from schema.runs.timings import timing_in
from schema.sql import to_wire
from tasks.rows import Row
from tasks.runs.schedules import known_schedule
from tasks.unit import Unit

#: Schedules per unit; the next look takes the rest.
PAGE = 200
#: How long occurrences are kept, and how many of one schedule.
KEPT = timedelta(days=90)
MOST_KEPT = 10_000

_STANDING = sa.select(occurrence).where(occurrence.c.schedule_guid == sa.bindparam("of"), occurrence.c.status.in_(("Started", "Queued")))


def fire(command: FireSchedules, unit: Unit) -> Outcome:
    """Note each moment that has come, and begin its run where its policies let it."""
    state = unit.find(scheduling, (command.hub,))
    if state is not None and not state["running"]:
        return Done({"Fired": 0})
    c = schedule.c
    waiting = sa.select(schedule).where(c.hub == command.hub, c.active.is_(True), c.next_at <= unit.now).order_by(c.next_at).limit(PAGE)
    rows = unit.read(waiting).mappings().all()
    resumed = state["resumed_at"] if state is not None else None
    return Done({"Fired": sum(_fire(unit, row, resumed) for row in rows)})


def _fire(unit: Unit, row: Row, resumed: datetime | None) -> int:
    timing, since = timing_in(row), row["next_at"]
    if resumed is not None and since < resumed:
        # While all schedules were stopped nothing was wanted, so nothing was missed.
        since = next_after(timing, resumed)
    if since is None or since > unit.now:
        unit.amend(schedule, (row["guid"],), {"next_at": since})
        return 0
    found = due(timing, since, unit.now, row["missed"])
    standing = _Standing(unit, row)
    for moment in found.missed:
        last = moment == found.missed[-1] and found.more
        standing.note(moment, "Missed", "nobody was there, and not for those after it" if last else "nobody was there")
    for moment in found.fire:
        standing.begin(moment)
    last_at = max([*found.fire, *found.missed], default=row["last_at"])
    unit.amend(schedule, (row["guid"],), {"next_at": found.next_at, "last_at": last_at})
    return len(found.fire)


class _Standing:
    """The occurrences of a schedule that are not over, while others are added."""

    def __init__(self, unit: Unit, row: Row) -> None:
        self._unit, self._row = unit, row
        found = unit.read(_STANDING, {"of": row["guid"]}).mappings().all()
        self._running = {each["id"]: each["run_hash"] for each in found if each["status"] == "Started"}
        self._queued = sum(each["status"] == "Queued" for each in found)

    def begin(self, moment: datetime) -> None:
        """Let a moment count."""
        entry = judge(self._row["overlap"], list(self._running.values()), self._queued)
        hash = run_hash_for(self._row["operation_hash"], "schedule", occurrence_id(self._row["guid"], moment)) if entry.status == "Started" else ""
        id = self.note(moment, entry.status, entry.reason, hash)
        if id is None:
            return
        for old, run in list(self._running.items()) if entry.replaces else ():
            values = {"status": "Replaced", "reason": f"{hash} took its place"[:256]}
            self._unit.amend(occurrence, (old,), values)
            self._unit.order(AbandonRun(hub=self._row["hub"], run_hash=run, reason="replaced by the next run of its schedule"))
            del self._running[old]
        if entry.status == "Started":
            self._running[id] = hash
            start(self._unit, self._row, id, hash)
        self._queued += entry.status == "Queued"

    def note(self, moment: datetime, status: str, reason: str, run_hash: str = "") -> str | None:
        """Add the moment's row. Returns its id, None for a moment that has one: a clock that was set back fires nothing again."""
        id = occurrence_id(self._row["guid"], moment)
        if self._unit.find(occurrence, (id,)) is not None:
            return None
        over = self._unit.now if status in ("Skipped", "Missed") else None
        row: dict[str, Any] = {"id": id, "schedule_guid": self._row["guid"], "due_at": moment, "status": status, "reason": reason[:256]}
        self._unit.add(occurrence, row | {"run_hash": run_hash, "fired_at": self._unit.now, "ended_at": over})
        tell(self._unit, row | {"run_hash": run_hash})
        return id


def start(unit: Unit, row: Row, id: str, hash: str) -> None:
    """Order the run of an occurrence, for whoever has saved the schedule."""
    wish: dict[str, Any] = {"mode": row["mode"], "parameters": row["parameters"], "origin": "schedule", "occurrence_id": id}
    unit.order(StartOperation(hub=row["hub"], run_hash=hash, operation_hash=row["operation_hash"], **wish), Actor.parse(row["actor"]))


def tell(unit: Unit, row: Row) -> None:
    """Announce what has become of an occurrence."""
    told = {"GUID": row["schedule_guid"], "DueAt": to_wire(row["due_at"]), "Status": row["status"], "RunHash": row["run_hash"]}
    if row["status"] in ("Started", "Queued", "Skipped", "Missed"):
        unit.announce(Event("run", "schedule.fired", told))
    else:
        unit.announce(Event("run", "schedule.ended", told))


def occurrence_ended(command: OccurrenceEnded, unit: Unit) -> Outcome:
    """Write the end into the history, and begin the next occurrence that waits for its turn."""
    row = unit.find(occurrence, (command.occurrence_id,))
    if row is None:
        return Refused("not_found", "There is no such occurrence any more.")
    if row["status"] != "Replaced" or row["ended_at"] is not None:
        values: dict[str, Any] = {"status": command.status, "reason": command.reason[:256] or row["reason"], "ended_at": unit.now}
    else:
        values = {"ended_at": unit.now}
    unit.amend(occurrence, (row["id"],), values)
    tell(unit, {**row, **values})
    plan = known_schedule(unit, command.hub, row["schedule_guid"])
    if plan is not None:
        _go_on(unit, plan)
    return Done({"Status": values.get("status", row["status"])})


def _go_on(unit: Unit, plan: Row) -> None:
    # What is under way sorts before what waits.
    first = _STANDING.order_by(occurrence.c.status.desc(), occurrence.c.due_at).limit(1)
    next_one = unit.read(first, {"of": plan["guid"]}).mappings().first()
    if next_one is None or next_one["status"] == "Started":
        return
    hash = run_hash_for(plan["operation_hash"], "schedule", next_one["id"])
    unit.amend(occurrence, (next_one["id"],), {"status": "Started", "run_hash": hash})
    tell(unit, {**next_one, "status": "Started", "run_hash": hash})
    start(unit, plan, next_one["id"], hash)


def trim_occurrences(command: TrimOccurrences, unit: Unit) -> Outcome:
    """Keep of each schedule the newest, and of those only what is young enough."""
    c = occurrence.c
    guids = unit.read(sa.select(schedule.c.guid).where(schedule.c.hub == command.hub)).scalars().all()
    gone = 0
    for guid in guids:
        mine = (c.schedule_guid == guid) & c.ended_at.is_not(None)
        newest = unit.read(sa.select(c.due_at).where(c.schedule_guid == guid).order_by(c.due_at.desc()).offset(MOST_KEPT).limit(1)).scalar()
        before = unit.now - KEPT
        old = sa.select(c.id).where(mine, c.due_at <= (before if newest is None else max(before, newest))).limit(PAGE * 5)
        if ids := list(unit.read(old).scalars()):
            gone += unit.change(sa.delete(occurrence).where(c.id.in_(ids))).rowcount
        if len(ids) == PAGE * 5:
            unit.at_end(_again, command.hub)
    return Done({"Deleted": gone})


def _again(unit: Unit, hub: str) -> None:
    unit.order(TrimOccurrences(hub=hub))
