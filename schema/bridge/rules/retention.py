"""How long what has ended is kept over there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schema.hub.rules.lifecycle import FINAL


@dataclass(frozen=True, slots=True)
class Keeping:
    """Days for ended items, and for canceled ones; 0: for ever, and for canceled ones as long as the others. On hold, nothing is over."""

    days: int
    cancelled_days: int
    on_hold: bool

    def bounds(self, now: datetime) -> dict[str, datetime]:
        """State -> what ended in it before that time is over; states that are kept for ever are not among them."""
        if self.on_hold:
            return {}
        days = {status: self.cancelled_days or self.days if status == "Canceled" else self.days for status in FINAL}
        return {status: now - timedelta(days=count) for status, count in days.items() if count}


def is_over(item: Mapping[Any, Any], keeping: Keeping, now: datetime) -> bool:
    """Whether an item has been kept long enough, by the time of its last event."""
    bound = keeping.bounds(now).get(item["status"])
    return bound is not None and item["last_event_at"] is not None and item["last_event_at"] < bound
