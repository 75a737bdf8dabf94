"""When schedules are due: compared with a slow clock that looks at each minute, on the nights on which clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.runs.rules.firing import LATE, MOST, MOST_QUEUED, Due, Entry, due, judge
from schema.runs.rules.schedule import KINDS, Timing, moments, next_after, upcoming
from schema.runs.timings import BadTiming, parameters_of, timing_of, zones

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

#: Zone, and an hour before the clock is set forward and back in 2026.
NIGHTS = [
    ("Europe/Berlin", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 4, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 12, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 12, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 2, tzinfo=UTC)),  # at midnight
    ("Africa/Casablanca", datetime(2026, 2, 14, 23, tzinfo=UTC)),  # the other way round
    ("Asia/Tokyo", datetime(2026, 3, 28, 12, tzinfo=UTC)),  # never
]
#: A slow clock takes its time.
few = settings(deadline=None, max_examples=15)
many = settings(deadline=None)
nights = pytest.mark.parametrize(("zone", "start"), NIGHTS, ids=[f"{zone} {start:%B}" for zone, start in NIGHTS])


def cron(expression: str, zone: str = "UTC") -> Timing:
    return timing_of("cron", expression, zone, NOW)


def local(found: list[datetime], zone: str) -> list[str]:
    return [f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for moment in found]


def minutes_of(start: datetime, hours: int = 8) -> list[datetime]:
    return [start + n * MINUTE for n in range(1, hours * 60 + 1)]


@nights
@few
@given(minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4), hours=st.sets(st.integers(0, 6), min_size=1, max_size=4))
def test_a_time_of_day_is_due_once_a_day_whatever_the_clock_does(zone: str, start: datetime, minutes: set[int], hours: set[int]) -> None:
    """Each wall time counts once: when it is first shown, or when the clock goes on after having left it out."""
    timing = cron(f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *", zone)
    expected, seen, before = set(), set(), (start.astimezone(ZoneInfo(zone))).replace(tzinfo=None)
    for moment in minutes_of(start):
        wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        passed = [before + n * MINUTE for n in range(1, (wall - before) // MINUTE + 1)] or [wall]
        if any(each.hour in hours and each.minute in minutes and each not in seen for each in passed):
            expected.add(moment)
        seen.update(passed)
        before = wall
    assert _within(timing, start) == sorted(expected)


@nights
@few
@given(minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4), hours=st.sets(st.integers(0, 6), min_size=1, max_size=4))
def test_a_star_means_each_minute_that_the_clock_really_shows(zone: str, start: datetime, minutes: set[int], hours: set[int]) -> None:
    for expression, wanted in (
        (f"{','.join(map(str, minutes))} * * * *", lambda wall: wall.minute in minutes),
        (f"* {','.join(map(str, hours))} * * *", lambda wall: wall.hour in hours),
        (f"0 {','.join(map(str, minutes))} */2 * * *", lambda wall: wall.minute in minutes and wall.hour % 2 == 0),
    ):
        expected = [moment for moment in minutes_of(start) if wanted(moment.astimezone(ZoneInfo(zone)))]
        assert _within(cron(expression, zone), start) == expected, expression


def _within(timing: Timing, start: datetime, hours: int = 8) -> list[datetime]:
    found = []
    for moment in moments(timing, start):
        if moment > start + timedelta(hours=hours):
            break
        found.append(moment)
    return found


@nights
def test_each_second_is_each_second_of_real_time(zone: str, start: datetime) -> None:
    at = start + timedelta(hours=2, minutes=59, seconds=50)
    found = upcoming(cron("* * * * * *", zone), at, 30)
    assert found == [at + timedelta(seconds=n) for n in range(1, 31)]


def test_the_two_nights_in_words() -> None:
    berlin = "Europe/Berlin"
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert local(upcoming(cron("30 2 * * *", berlin), spring, 2), berlin) == ["29 03:00 +0200", "30 02:30 +0200"]
    assert local(upcoming(cron("0 30 2 * * *", berlin), autumn, 2), berlin) == ["25 02:30 +0200", "26 02:30 +0100"]
    assert local(upcoming(cron("0 2,3 * * *", berlin), spring, 2), berlin) == ["29 03:00 +0200", "30 02:00 +0200"]
    hourly = timing_of("hourly", None, berlin, NOW)
    night = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert local(upcoming(hourly, night, 3), berlin) == ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]
    lord_howe = "Australia/Lord_Howe"
    assert local(upcoming(cron("15 2 * * *", lord_howe), datetime(2026, 10, 3, 12, tzinfo=UTC), 1), lord_howe) == ["04 02:30 +1100"]


@many
@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    expression=st.sampled_from(["*/7 * * * *", "0 3 * * 1-5", "15 2 L * *", "*/20 30 1 * * SUN", "0 0 29 2 *", "5 4 * * SUN#2"]),
    seconds=st.integers(-(10**8), 10**8),
)
def test_the_next_is_later_and_nothing_lies_between(zone: str, expression: str, seconds: int) -> None:
    timing, start = cron(expression, zone), NOW + timedelta(seconds=seconds)
    found = next_after(timing, start)
    assert found is not None
    assert found > start
    for share in (0.1, 0.5, 0.9):
        assert next_after(timing, start + (found - start) * share) == found
    assert all(earlier < later for earlier, later in pairwise(upcoming(timing, start, 5)))


@many
@given(interval=st.integers(1_000, 10**9), milliseconds=st.integers(-(10**12), 10**12))
def test_an_interval_is_counted_from_its_anchor(interval: int, milliseconds: int) -> None:
    timing, after = timing_of("interval", {"IntervalMs": interval}, "Europe/Berlin", NOW), NOW + timedelta(milliseconds=milliseconds)
    found = next_after(timing, after)
    assert found is not None
    assert found > after
    assert (found - NOW) % timing.interval == timedelta()
    assert found == NOW or found - timing.interval <= after


def test_once_is_once() -> None:
    timing = timing_of("once", "2026-07-01T12:00:00", "Europe/Berlin", NOW)
    assert upcoming(timing, NOW, 5) == [datetime(2026, 7, 1, 10, tzinfo=UTC)]
    assert timing_of("once", {"At": "2026-07-01T12:00:00Z"}, "Europe/Berlin", NOW).anchor == datetime(2026, 7, 1, 12, tzinfo=UTC)
    # A time that the clock leaves out is one that it would have shown: PEP 495 takes the offset before.
    assert timing_of("once", "2026-03-29T02:30:00", "Europe/Berlin", NOW).anchor == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "parameters", "zone", "field"),
    [
        ("cron", None, "UTC", "Parameters"),
        ("cron", "", "UTC", "Parameters"),
        ("cron", "* * *", "UTC", "Parameters"),
        ("cron", "61 * * * *", "UTC", "Parameters"),
        ("cron", "every day at noon ok", "UTC", "Parameters"),
        ("cron", "0 0 30 2 *", "UTC", "Parameters"),
        ("cron", "0 0 1 * * " + "1," * 200 + "1", "UTC", "Parameters"),
        ("cron", {"Cron": "* * * * *"}, "UTC", "Parameters"),
        ("cron", 5, "UTC", "Parameters"),
        ("cron", "* * * * *", "Mars/Olympus", "TimeZone"),
        ("cron", "* * * * *", "localtime", "TimeZone"),
        ("cron", "* * * * *", "../etc/passwd", "TimeZone"),
        ("cron", "* * * * *", "", "TimeZone"),
        ("interval", 0, "UTC", "Parameters"),
        ("interval", {"IntervalMs": 999}, "UTC", "Parameters"),
        ("interval", {"IntervalMs": True}, "UTC", "Parameters"),
        ("interval", {"IntervalMs": 10**18}, "UTC", "Parameters"),
        ("interval", "soon", "UTC", "Parameters"),
        ("interval", None, "UTC", "Parameters"),
        ("once", None, "UTC", "Parameters"),
        ("once", "tomorrow", "UTC", "Parameters"),
        ("once", "0001-01-01T00:00:00", "Asia/Tokyo", "Parameters"),
        ("hourly", "06:30", "UTC", "Parameters"),
        ("weekly", "", "UTC", "ScheduleType"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(kind: str, parameters: Any, zone: str, field: str) -> None:
    with pytest.raises(BadTiming) as caught:
        timing_of(kind, parameters, zone, NOW)
    assert caught.value.field == field


@many
@given(
    text=st.text(st.sampled_from("0123456789*/-,LW#?MONSUNJAN ²٣"), max_size=30) | st.text(max_size=20),
    kind=st.sampled_from(KINDS),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]) | st.text(max_size=10),
)
def test_any_text_is_a_timing_or_refused(text: str, kind: str, zone: str) -> None:
    wrong = ""
    try:
        timing = timing_of(kind, text, zone, NOW)
    except BadTiming as bad:
        wrong = bad.field
    else:
        assert timing_of(kind, parameters_of(kind, timing), zone, NOW) == timing
        assert kind == "once" or next_after(timing, NOW) is not None
    assert wrong in ("", "Parameters", "TimeZone")


def test_zones_are_those_of_the_database() -> None:
    assert {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} <= zones()


EACH_MINUTE = cron("* * * * *")


def test_what_is_due_in_time_counts_under_each_policy() -> None:
    first = NOW + MINUTE
    for policy in ("skip", "once", "all"):
        assert due(EACH_MINUTE, first, first + timedelta(seconds=1), policy) == Due((first,), (), first + MINUTE)
        assert due(EACH_MINUTE, first, first - timedelta(seconds=1), policy) == Due((), (), first)


@many
@given(missed=st.integers(0, 300), seconds=st.integers(0, 59))
def test_what_was_missed_is_judged_by_the_policy(missed: int, seconds: int) -> None:
    first = NOW + MINUTE
    now = first + (missed + 1) * MINUTE + timedelta(seconds=seconds)
    found = {policy: due(EACH_MINUTE, first, now, policy) for policy in ("skip", "once", "all")}
    on_time = _on_time(now)
    assert list(found["skip"].fire) == on_time
    assert len(found["once"].fire) == len(on_time) + 1
    assert found["once"].fire[0] < now - LATE + timedelta(seconds=1)
    assert found["all"].fire == tuple(first + n * MINUTE for n in range(min(missed + 2, MOST)))
    for policy in ("skip", "once"):
        assert found[policy].next_at == next_after(EACH_MINUTE, now)
        assert found[policy].more == (missed + 1 > MOST)
        assert len(found[policy].missed) <= MOST
    assert found["all"].next_at == found["all"].fire[-1] + MINUTE
    assert found["all"].missed == ()


def _on_time(now: datetime) -> list[datetime]:
    found = []
    for moment in moments(EACH_MINUTE, now - LATE):
        if moment > now:
            break
        found.append(moment)
    return found


def test_what_is_due_once_is_over_afterwards() -> None:
    timing = timing_of("once", "2026-07-01T12:00:00Z", "UTC", NOW)
    at, day = timing.anchor, timedelta(days=1)
    assert due(timing, at, at + day, "skip") == Due((), (at,), None)
    assert due(timing, at, at + day, "once") == Due((at,), (), None)
    assert due(timing, at, at + day, "all") == Due((at,), (), None)


@pytest.mark.parametrize(
    ("policy", "running", "queued", "entry"),
    [
        ("queue", [], 0, Entry("Started")),
        ("skip", [], 0, Entry("Started")),
        ("replace", [], 0, Entry("Started")),
        ("queue", ["r"], 0, Entry("Queued")),
        ("queue", [], 1, Entry("Queued")),
        ("queue", ["r"], MOST_QUEUED, Entry("Skipped", "1000 others wait for their turn")),
        ("skip", ["r"], 0, Entry("Skipped", "r still runs")),
        ("skip", [], 3, Entry("Skipped", "others wait for their turn")),
        ("replace", ["r", "s"], 0, Entry("Started", "", ("r", "s"))),
    ],
)
def test_occurrences_that_overlap(policy: str, running: list[str], queued: int, entry: Entry) -> None:
    assert judge(policy, running, queued) == entry
