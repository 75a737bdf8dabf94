"""Store schedules, and have them started or stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import DeleteSchedule, SaveSchedule, SwitchSchedule, SwitchSchedules
from schema.runs.rules.schedule import ANCHORED, Timing, next_after
from schema.runs.schedule_wire import schedule_record
from schema.runs.tables import occurrence, schedule, scheduling
from schema.runs.timings import BadTiming, parameters_of, timing_in, timing_of
from tasks.rows import Row
from tasks.runs.start import present
from tasks.unit import Unit

#: What a schedule is where its maker does not say.
DEFAULTS: dict[str, Any] = {"TimeZone": "UTC", "MissedRuns": "once", "Overlap": "queue", "RunMode": "standard", "Settings": {}, "Active": True}
#: Fields that say when; a change of one of them is a new beginning.
TIMING = ("ScheduleType", "Parameters", "TimeZone")


def save_schedule(command: SaveSchedule, unit: Unit) -> Outcome:
    """Merge what was sent into what is there. From now on the schedule waits for its next moment."""
    known = known_schedule(unit, command.hub, command.guid)
    if known is None and command.must_exist:
        return _unknown(command.guid)
    sent = command.document
    wish = {**(DEFAULTS if known is None else _said(known)), **sent}
    if known is not None and "ScheduleType" in sent and "Parameters" not in sent and sent["ScheduleType"] != known["kind"]:
        wish["Parameters"] = None  # those of another kind mean nothing
    anew = known is None or any(name in sent for name in TIMING)
    anchor = unit.now if known is None or anew else known["anchor_at"]
    try:
        timing = timing_of(wish["ScheduleType"], wish.get("Parameters"), wish["TimeZone"], anchor)
    except BadTiming as bad:
        return _invalid(bad.field, str(bad))
    if present(unit, command.hub, wish["Hash"]) is None:
        return _invalid("Hash", f"There is no operation {wish['Hash']}.")
    next_at = next_after(timing, unit.now)
    if next_at is None and anew:
        return _invalid("Parameters", "That moment has passed.")
    row = _stored(command, unit, known, wish, timing)
    unit.announce(Event("run", "schedule.saved", _told(row)))
    return Done(schedule_record(row))


def _said(row: Row) -> dict[str, Any]:
    """The schedule as a client would say it."""
    timing = timing_in(row)
    when = {"ScheduleType": row["kind"], "Parameters": parameters_of(row["kind"], timing), "TimeZone": row["time_zone"]}
    policies = {"MissedRuns": row["missed"], "Overlap": row["overlap"], "RunMode": row["mode"], "Settings": row["parameters"]}
    return {"Hash": row["operation_hash"], **when, **policies, "Active": row["active"]}


def _stored(command: SaveSchedule, unit: Unit, known: Row | None, wish: dict[str, Any], timing: Timing) -> Row:
    same = known is not None and timing == timing_in(known) and known["active"] and wish["Active"]
    values = {
        "operation_hash": wish["Hash"],
        "kind": timing.kind,
        "expression": timing.expression,
        "interval_ms": timing.interval // timedelta(milliseconds=1),
        "time_zone": wish["TimeZone"],
        "parameters": wish["Settings"],
        "mode": wish["RunMode"],
        "missed": wish["MissedRuns"],
        "overlap": wish["Overlap"],
        "active": wish["Active"],
        "anchor_at": timing.anchor if timing.kind in ANCHORED else unit.now,
        "actor": str(unit.actor),
        "updated_at": unit.now,
        # What is due already stays due where nothing changes about when.
        "next_at": known["next_at"] if known is not None and same else next_after(timing, unit.now),
    }
    if known is None:
        row = {"guid": command.guid, "hub": command.hub, **values, "created_at": unit.now, "last_at": None}
        unit.add(schedule, row)
        return row
    unit.amend(schedule, (command.guid,), values)
    return {**known, **values}


def delete_schedule(command: DeleteSchedule, unit: Unit) -> Outcome:
    """Remove it with its occurrences."""
    known = known_schedule(unit, command.hub, command.guid)
    if known is None:
        return _unknown(command.guid)
    unit.change(sa.delete(schedule).where(schedule.c.guid == command.guid))
    unit.change(sa.delete(occurrence).where(occurrence.c.schedule_guid == command.guid))
    unit.announce(Event("run", "schedule.deleted", _told(known)))
    return Done({"Status": "Deleted", "GUID": command.guid})


def switch_schedule(command: SwitchSchedule, unit: Unit) -> Outcome:
    """Start it: it waits for its next moment from now on. Or stop it: what waits for its turn is skipped, what runs goes on."""
    known = known_schedule(unit, command.hub, command.guid)
    if known is None:
        return _unknown(command.guid)
    row = known
    if bool(known["active"]) != command.on:
        next_at = next_after(timing_in(known), unit.now) if command.on else known["next_at"]
        values = {"active": command.on, "next_at": next_at, "updated_at": unit.now}
        unit.amend(schedule, (command.guid,), values)
        row = {**known, **values}
        unit.announce(Event("run", "schedule.saved", _told(row)))
    if not command.on:
        mine = (occurrence.c.schedule_guid == command.guid) & (occurrence.c.status == "Queued")
        unit.change(sa.update(occurrence).where(mine).values(status="Skipped", reason="the schedule was stopped", ended_at=unit.now))
    return Done({"Status": "Entry Started" if command.on else "Entry Stopped", "Entry": schedule_record(row)})


def switch_schedules(command: SwitchSchedules, unit: Unit) -> Outcome:
    """Note whether schedules are looked at. It outlives restarts."""
    known = unit.find(scheduling, (command.hub,))
    if known is None or bool(known["running"]) != command.on:
        resumed = unit.now if command.on else known["resumed_at"] if known is not None else None
        values = {"running": command.on, "resumed_at": resumed, "actor": str(unit.actor), "changed_at": unit.now}
        if known is None:
            unit.add(scheduling, {"hub": command.hub, **values})
        else:
            unit.amend(scheduling, (command.hub,), values)
        unit.announce(Event("run", "schedules.switched", {"Running": command.on}))
    return Done({"Status": "Schedule Started" if command.on else "Schedule Stopped"})


def known_schedule(unit: Unit, hub: str, guid: str) -> Row | None:
    """The schedule, None when this hub has none of that GUID."""
    row = unit.find(schedule, (guid,))
    return row if row is not None and row["hub"] == hub else None


def _told(row: Row) -> dict[str, Any]:
    return {"GUID": row["guid"], "TargetHash": row["operation_hash"], "Active": bool(row["active"])}


def _unknown(guid: str) -> Refused:
    return Refused("not_found", f"There is no schedule {guid}.")


def _invalid(field: str, text: str) -> Refused:
    return Refused("invalid", text, {"Fields": {field: [text]}})
