"""When a schedule is due: a time on a wall clock as moments of real time, on both nights on which the wall clock jumps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from cronsim import CronSim

KINDS = ("cron", "interval", "hourly", "daily", "once")
#: What the kinds that need no parameters stand for.
SHORTHAND = {"hourly": "0 * * * *", "daily": "0 0 * * *"}
#: Kinds whose anchor means something.
ANCHORED = ("interval", "once")

_NO_ANCHOR = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """When something is due. `expression` is cron with five fields, or with six of which the first is seconds, on the wall clock of `zone`.

    `anchor`: where an interval counts from, or the one moment of `once`.
    """

    kind: str
    zone: tzinfo = UTC
    expression: str = ""
    interval: timedelta = timedelta()
    anchor: datetime = _NO_ANCHOR

    @property
    def cron(self) -> str:
        """The cron expression, empty for what has none."""
        return SHORTHAND.get(self.kind, self.expression if self.kind == "cron" else "")


def next_after(timing: Timing, after: datetime) -> datetime | None:
    """The first moment after `after` at which it is due, None when there is none any more.

    An expression without a star among its seconds, minutes and hours means a time of day: where the clock is set forward over it, it is due when
    the gap ends; where the clock is set back, it is due the first time only. One with a star means real time: it is due as often as the wall clock
    shows a time that it names, so twice in an hour that comes twice, and not in one that is left out.
    """
    if timing.kind == "once":
        return timing.anchor if timing.anchor > after else None
    if timing.kind == "interval":
        if after < timing.anchor:
            return timing.anchor
        return timing.anchor + ((after - timing.anchor) // timing.interval + 1) * timing.interval
    steady = any("*" in field for field in timing.cron.split()[:-3])
    return _steady_after(timing, after) if steady else _time_of_day_after(timing, after)


def upcoming(timing: Timing, after: datetime, count: int) -> list[datetime]:
    """The next moments."""
    return list(islice(moments(timing, after), count))


def moments(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Each moment after `after`, in order."""
    found = next_after(timing, after)
    while found is not None:
        yield found
        found = next_after(timing, found)


def _walls(timing: Timing, after: datetime) -> Iterator[datetime]:
    """What the wall clock shows when the expression names it, after that wall time; whether or not the clock ever shows it."""
    # The library is asked about wall clocks alone: what it makes of nights on which they jump is not the same for five and for six fields.
    return iter(CronSim(timing.cron, after))


def _time_of_day_after(timing: Timing, after: datetime) -> datetime | None:
    for wall in _walls(timing, _wall(after, timing.zone)):
        found = _first(wall, timing.zone)
        if found > after:
            return found
    return None


def _steady_after(timing: Timing, after: datetime) -> datetime | None:
    zone, wall = timing.zone, _wall(after, timing.zone)
    found = next((moment for each in _walls(timing, wall) for moment in _shown(each, zone) if moment > after), None)
    back = _set_back(wall, zone)
    if not back or after != _utc(wall, zone, 0) + (after - _whole(after)) or (found is not None and found - after < back):
        return found
    # The hour will come again, and with it times that the clock has shown already.
    again = (_utc(each, zone, 1) for each in _walls(timing, wall - back - _SECOND) if _set_back(each, zone))
    second = next(again, None)
    return found if second is None or (found is not None and found < second) else second


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return _whole(moment.astimezone(zone)).replace(tzinfo=None, fold=0)


def _utc(wall: datetime, zone: tzinfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _set_back(wall: datetime, zone: tzinfo) -> timedelta:
    """By how much the clock is set back after it has shown this time the first time; nothing for a time that it shows once."""
    return max(_utc(wall, zone, 1) - _utc(wall, zone, 0), timedelta())


def _shown(wall: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments at which the clock shows this time: none, one or two."""
    first, second = _utc(wall, zone, 0), _utc(wall, zone, 1)
    return () if second < first else (first,) if first == second else (first, second)


def _first(wall: datetime, zone: tzinfo) -> datetime:
    """When the clock shows this time first; where it leaves it out, when it goes on."""
    shown = _shown(wall, zone)
    if shown:
        return shown[0]
    before, after = _utc(wall, zone, 1), _utc(wall, zone, 0)
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = _whole(before + (after - before) / 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
