"""The wire of schedules: the original's entry (ultravisor-hub 8.7) with what we add."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schema.runs.rules.schedule import upcoming
from schema.runs.timings import parameters_of, timing_in
from schema.sql import to_wire

Row = Mapping[Any, Any]


def schedule_record(row: Row) -> dict[str, Any]:
    """A schedule as clients see it."""
    timing = timing_in(row)
    return {
        "GUID": row["guid"],
        "TargetType": "Operation",
        "TargetHash": row["operation_hash"],
        "ScheduleType": row["kind"],
        "Parameters": parameters_of(row["kind"], timing),
        "CronExpression": timing.cron,
        "TimeZone": row["time_zone"],
        "MissedRuns": row["missed"],
        "Overlap": row["overlap"],
        "RunMode": row["mode"],
        "Settings": row["parameters"],
        "Active": bool(row["active"]),
        "NextAt": to_wire(row["next_at"]) if row["active"] else None,
        "LastAt": to_wire(row["last_at"]),
        "CreatedAt": to_wire(row["created_at"]),
        "UpdatedAt": to_wire(row["updated_at"]),
        "SavedBy": row["actor"],
    }


def next_occurrences(row: Row, now: datetime, count: int) -> list[str | None]:
    """When it will be due, the stored moment first: it may be a moment ago, while nobody has looked."""
    if not row["active"] or row["next_at"] is None or count < 1:
        return []
    first = row["next_at"]
    return [to_wire(moment) for moment in (first, *upcoming(timing_in(row), max(first, now), count - 1))]


def occurrence_record(row: Row) -> dict[str, Any]:
    """One moment at which a schedule was due, and what became of it."""
    return {
        "ScheduleGUID": row["schedule_guid"],
        "DueAt": to_wire(row["due_at"]),
        "Status": row["status"],
        "Reason": row["reason"],
        "RunHash": row["run_hash"],
        "FiredAt": to_wire(row["fired_at"]),
        "EndedAt": to_wire(row["ended_at"]),
    }
