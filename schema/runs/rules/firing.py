"""What becomes of the moments at which a schedule was due: begun, queued, skipped, or missed because nobody was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from schema.runs.rules.schedule import Timing, moments, next_after

MISSED = ("skip", "once", "all")
OVERLAP = ("queue", "skip", "replace")

#: A moment that is noticed later than this was missed: nobody was there.
LATE = timedelta(seconds=60)
#: Moments of one schedule that one look takes; the next look goes on.
MOST = 100
#: Occurrences of one schedule that may wait for their turn.
MOST_QUEUED = 1_000


@dataclass(frozen=True, slots=True)
class Due:
    """What one look has found: moments that count, moments that were missed for good, and the next moment to wait for."""

    fire: tuple[datetime, ...]
    missed: tuple[datetime, ...]
    next_at: datetime | None
    #: Whether there were more missed moments than are noted one by one.
    more: bool = False


def due(timing: Timing, next_at: datetime, now: datetime, policy: str) -> Due:
    """Judge the moments from `next_at` until now.

    `all`: each of them counts, however late. `once`: of those that were missed the last one counts. `skip`: none of them.
    """
    if policy == "all":
        found = _until(timing, next_at, now)
        return Due(tuple(found), (), next_after(timing, found[-1]) if found else next_at)
    since = now - LATE
    late = _until(timing, next_at, since)
    kept = late[-1:] if policy == "once" else []
    timely = _until(timing, next_at if next_at > since else next_after(timing, since), now)
    more = len(late) == MOST and (after := next_after(timing, late[-1])) is not None and after <= since
    return Due((*kept, *timely), tuple(late[: len(late) - len(kept)]), next_after(timing, now) if next_at <= now else next_at, more)


def _until(timing: Timing, first: datetime | None, now: datetime) -> list[datetime]:
    """Moments from `first` on, as many as one look takes."""
    if first is None or first > now:
        return []
    found = [first]
    for moment in islice(moments(timing, first), MOST - 1):
        if moment > now:
            break
        found.append(moment)
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """What becomes of one moment: `Started`, `Queued` or `Skipped`, and the runs that are ended for it."""

    status: str
    reason: str = ""
    replaces: tuple[str, ...] = ()


def judge(policy: str, running: Sequence[str], queued: int) -> Entry:
    """Whether an occurrence begins while runs of earlier ones are under way."""
    if not running and not queued:
        return Entry("Started")
    if policy == "skip":
        return Entry("Skipped", f"{running[0]} still runs" if running else "others wait for their turn")
    if policy == "replace":
        return Entry("Started", "", tuple(running))
    if queued >= MOST_QUEUED:
        return Entry("Skipped", f"{MOST_QUEUED} others wait for their turn")
    return Entry("Queued")
