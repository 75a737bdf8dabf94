"""How long items are kept that have ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

#: Which of its days a state that has ended is kept for, in the order in which they are looked at.
KEPT = ("Complete", "Canceled", "Error")


def horizon(days: int, now: datetime) -> datetime | None:
    """What ended before it may go; None where the days are 0, which means for ever."""
    return now - timedelta(days=days) if days else None


def first_ticket(at: datetime) -> str:
    """No ticket of that time or later is below it: tickets are UUIDv7, which begin with the milliseconds of their making.

    >>> from datetime import UTC
    >>> first_ticket(datetime(2025, 1, 1, tzinfo=UTC))
    '01941f29-7c00-0000-0000-000000000000'
    """
    digits = f"{max(0, int(at.timestamp() * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


def may_go(ended_at: datetime | None, before: datetime, run: Mapping[str, object] | None) -> bool:
    """Whether an ended item is old enough, and its run lets it go: one that somebody opened and has not ended keeps all of its items.

    A run that was opened for an item that named none is never ended by anybody, and keeps nothing.
    """
    if ended_at is None or ended_at >= before:
        return False
    return run is None or bool(run["minted"]) or run["ended_at"] is not None
