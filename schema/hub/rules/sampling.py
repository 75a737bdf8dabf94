"""When samples of the queue are taken, and how many points a plot of them has."""

from __future__ import annotations

from datetime import UTC, datetime

SLOT_SECONDS = 10
#: A week.
KEPT_SLOTS = 7 * 24 * 3600 // SLOT_SECONDS
#: Points of one plot at most: what a screen can show.
MOST_POINTS = 400


def slot_of(moment: datetime) -> int:
    """Which ten seconds since 1970.

    >>> slot_of(datetime(1970, 1, 1, 0, 0, 29, tzinfo=UTC))
    2
    """
    return int(moment.timestamp()) // SLOT_SECONDS


def began(slot: int) -> datetime:
    """Its first moment.

    >>> began(2).isoformat()
    '1970-01-01T00:00:20+00:00'
    """
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)


def slots_per_point(first: int, last: int) -> int:
    """How many slots one point stands for, so that there are not more than MOST_POINTS.

    >>> [slots_per_point(0, last) for last in (0, 399, 400, 60_480)]
    [1, 1, 2, 152]
    """
    return (last - first) // MOST_POINTS + 1
