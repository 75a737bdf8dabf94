"""Schedules as they are: what is due when, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate

from app.answers import Blueprint, page_of, refuse, shown
from app.hub.here import hub_id
from app.paging import Capped, Cursor, PageWire, cursor_of
from app.runs import scheduled_questions as questions
from app.runs.pages import ListQuery
from app.who import secured
from schema.runs.forms import TimingWire
from schema.runs.rules.schedule import upcoming
from schema.runs.schedule_wire import next_occurrences, occurrence_record, schedule_record
from schema.runs.timings import BadTiming, timing_of
from schema.sql import to_wire
from schema.wire import Wire, no_nul

scheduled = Blueprint("runs_scheduled", __name__, description="Schedules, as they are.")

Query = dict[str, Any]

#: Next moments that one answer shows.
MOST_NEXT = 100


class SchedulesQuery(ListQuery):
    """A page of schedules, all or those of one operation."""

    operation = fields.String(load_default="")


class SchedulesPageQuery(PageWire):
    """Schedules, all or those of one operation, as people look at them."""

    limit = Capped(1, 200, load_default=50)
    after = Cursor(load_default=None)
    operation = fields.String(load_default="", validate=[validate.Length(max=128), no_nul])


class NextQuery(Wire):
    """How many of the next moments are shown."""

    next = Capped(0, MOST_NEXT, load_default=5)


class MomentCursor(Cursor):
    """A cursor whose position is a moment."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        try:
            found = datetime.fromisoformat(super()._deserialize(value, attr, data, **options))
        except ValueError as error:
            raise self.make_error("invalid") from error
        if found.tzinfo is None:
            raise ValidationError(self.error_messages["invalid"])
        return found


class OccurrencesQuery(PageWire):
    """A page of what a schedule has fired, newest first."""

    after = MomentCursor(load_default=None)


@scheduled.route("/status")
def status() -> dict[str, Any]:
    """That the hub runs, and how it lets callers in."""
    entries, running = questions.state(hub_id())
    return {
        "Status": "Running",
        "ScheduleEntries": entries,
        "ScheduleRunning": running,
        "AuthEnabled": secured(),
        "AuthMode": "authenticated" if secured() else "promiscuous",
        "SupportsUserManagement": secured(),
        "HubInstanceID": hub_id(),
    }


@scheduled.route("/Schedule")
@scheduled.arguments(SchedulesQuery, location="query")
def schedules(query: Query) -> Response:
    """Every schedule, with the next moment at which it is due."""
    rows = questions.schedules(hub_id(), query["limit"] + 1, query["after"], query["operation"])
    return page_of(rows, query["limit"], lambda row: row["guid"], schedule_record)


@scheduled.route("/api/schedules")
@scheduled.arguments(SchedulesPageQuery, location="query")
def schedules_shown(query: Query) -> Response:
    """Schedules with their newest moment and the name of their operation, and whether schedules are looked at."""
    rows = questions.schedules_shown(hub_id(), query["limit"] + 1, query["after"], query["operation"])
    page = rows[: query["limit"]]
    entries, running = questions.state(hub_id())
    told = {
        "Schedules": [_record(row) for row in page],
        "Next": cursor_of(page[-1]["guid"]) if len(rows) > len(page) else None,
        "Entries": entries,
        "Running": running,
    }
    return shown(told)


def _record(row: questions.Row) -> dict[str, Any]:
    last = None if row["schedule_guid"] is None else occurrence_record(row)
    return {**schedule_record(row), "OperationName": row["operation_name"], "Last": last}


@scheduled.route("/Schedule/<guid>")
@scheduled.arguments(NextQuery, location="query")
def schedule(query: Query, guid: str) -> dict[str, Any]:
    """One schedule, with the next moments at which it is due."""
    row = _schedule(guid)
    return {**schedule_record(row), "NextOccurrences": next_occurrences(row, datetime.now(UTC), query["next"])}


def _schedule(guid: str) -> Any:
    row = questions.schedule_by_guid(hub_id(), guid)
    if row is None:
        refuse("not_found", f"There is no schedule {guid}.")
    return row


@scheduled.route("/Schedule/<guid>/Occurrences")
@scheduled.arguments(OccurrencesQuery, location="query")
def occurrences(query: Query, guid: str) -> Response:
    """Each moment at which a schedule was due, newest first: what became of it, and which run."""
    rows = questions.occurrences(guid, query["limit"] + 1, query["after"])
    _schedule(guid)
    return page_of(rows, query["limit"], lambda row: to_wire(row["due_at"]), occurrence_record)


@scheduled.route("/Schedule/Preview", methods=["POST"])
@scheduled.arguments(TimingWire)
def preview(body: Query) -> Response:
    """When something would be due. It changes nothing; the question is only too long for an address."""
    now = datetime.now(UTC)
    try:
        timing = timing_of(body["ScheduleType"], body.get("Parameters"), body["TimeZone"], now)
    except BadTiming as bad:
        refuse("invalid", str(bad), Fields={bad.field: [str(bad)]})
    return shown({"CronExpression": timing.cron, "NextOccurrences": [to_wire(moment) for moment in upcoming(timing, now, 10)]})
