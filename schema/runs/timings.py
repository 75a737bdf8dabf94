"""What clients say about when, as a timing; and what is wrong with it, by the name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from schema.runs.rules.schedule import ANCHORED, KINDS, Timing

LONGEST_EXPRESSION = 256
#: The clock looks once a second.
SHORTEST_MS, LONGEST_MS = 1_000, 366 * 86_400_000
#: Names of the database of zones that are no zones: what they mean depends on the machine.
NOT_ZONES = frozenset({"localtime", "Factory"})


class BadTiming(ValueError):
    """What was said about when makes no sense; `field` is the one to change."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(available_timezones()) - NOT_ZONES


def zone_of(name: str) -> ZoneInfo:
    """The zone. Raises BadTiming for a name that is not in the IANA database."""
    if name not in zones():
        raise BadTiming("TimeZone", f"{name!r} is no IANA time zone; they are written like Europe/Berlin.")
    return ZoneInfo(name)


def timing_of(kind: str, parameters: Any, time_zone: str, anchor: datetime) -> Timing:
    """The timing that a client means. Raises BadTiming.

    `anchor`: where an interval counts from.
    """
    zone = zone_of(time_zone)
    if kind == "cron":
        return Timing(kind, zone, _cron(_named(parameters, "CronExpression")))
    if kind == "interval":
        return Timing(kind, zone, interval=_interval(_named(parameters, "IntervalMs")), anchor=anchor)
    if kind == "once":
        text = _named(parameters, "At")
        return Timing(kind, zone, text, anchor=_moment(text, zone))
    if kind not in KINDS:
        raise BadTiming("ScheduleType", f"Must be one of: {', '.join(KINDS)}.")
    if parameters not in (None, "", {}):
        raise BadTiming("Parameters", f"{kind} takes none; what is due at another time of its hour or day is cron.")
    return Timing(kind, zone)


def timing_in(row: Mapping[Any, Any]) -> Timing:
    """The timing that a row keeps."""
    made = Timing(row["kind"], ZoneInfo(row["time_zone"]), row["expression"], timedelta(milliseconds=row["interval_ms"]))
    return replace(made, anchor=row["anchor_at"]) if row["kind"] in ANCHORED else made


def parameters_of(kind: str, timing: Timing) -> Any:
    """The parameters as clients send them."""
    if kind == "interval":
        return {"IntervalMs": timing.interval // timedelta(milliseconds=1)}
    return timing.expression


def _named(parameters: Any, name: str) -> Any:
    """The value that is there under its name, or by itself, as the original's clients send it."""
    if isinstance(parameters, Mapping):
        if set(parameters) - {name}:
            raise BadTiming("Parameters", f"Knows {name} and nothing else.")
        return parameters.get(name)
    return parameters


def _cron(expression: Any) -> str:
    if not isinstance(expression, str) or not expression.strip() or len(expression) > LONGEST_EXPRESSION:
        raise BadTiming("Parameters", f"A cron expression is needed: a text of five or six fields, {LONGEST_EXPRESSION} characters at most.")
    text = " ".join(expression.split())
    if len(text.split()) not in (5, 6):
        raise BadTiming("Parameters", f"{text!r} has {len(text.split())} fields; cron has five, or six with seconds first.")
    try:
        # Far enough from the end of time for a look over 50 years; a leap day ahead of it is found.
        next(CronSim(text, datetime(2000, 1, 1)))  # noqa: DTZ001 - a wall clock
    except StopIteration:
        raise BadTiming("Parameters", f"{text!r} names no day that there is.") from None
    except (CronSimError, ValueError, AssertionError) as error:
        raise BadTiming("Parameters", f"{text!r} is no cron expression: {error}.") from None
    return text


def _interval(value: Any) -> timedelta:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not SHORTEST_MS <= value <= LONGEST_MS:
        raise BadTiming("Parameters", f"IntervalMs must be a whole number from {SHORTEST_MS} to {LONGEST_MS}.")
    return timedelta(milliseconds=value)


def _moment(text: Any, zone: ZoneInfo) -> datetime:
    """The moment; without an offset it is meant on the wall clock of the zone."""
    try:
        if not isinstance(text, str) or len(text) > 40:
            raise ValueError("it is no text")
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadTiming("Parameters", f"At must be a time like 2030-01-31T18:00:00: {error}.") from None
