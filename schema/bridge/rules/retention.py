"""How long what has ended is kept over there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schema.sql import to_wire


@dataclass(frozen=True, slots=True)
class Ending:
    """How a row shows that it has ended: by one of these states, some of them given up by somebody; and when, by a column here and one there."""

    states: tuple[str, ...]
    given_up: tuple[str, ...]
    ended_at: str
    column: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """Days for what has ended, and for what was given up; 0: for ever, and for what was given up as long as the others. On hold, nothing is over."""

    days: int
    cancelled_days: int
    on_hold: bool

    @property
    def bounded(self) -> bool:
        """Whether anything is ever over."""
        return not self.on_hold and bool(self.days or self.cancelled_days)

    def bounds(self, ending: Ending, now: datetime) -> dict[str, datetime]:
        """State -> what ended in it before that time is over; states that are kept for ever are not among them."""
        if self.on_hold:
            return {}
        days = {state: self.cancelled_days or self.days if state in ending.given_up else self.days for state in ending.states}
        return {state: now - timedelta(days=count) for state, count in days.items() if count}

    def is_over(self, row: Mapping[Any, Any], ending: Ending, now: datetime) -> bool:
        """Whether a row has been kept long enough. Its time may be one of the wire: those are compared, to the millisecond."""
        bound, ended = to_wire(self.bounds(ending, now).get(row["status"])), to_wire(row[ending.ended_at])
        return bound is not None and ended is not None and ended < bound
