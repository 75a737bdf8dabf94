"""Whether another item may be queued."""

from __future__ import annotations

from dataclasses import dataclass

#: Reason -> seconds after which it is worth another try.
RETRY_SECONDS = {"queued_depth_exceeded": 30, "fleet_unhealthy": 15}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows; 0 means no limit."""

    most_queued: int = 0
    soft_queued: int = 0
    least_alive: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Beacons that count, and how many of them are alive."""

    alive: int
    total: int


def judge_depth(limits: Limits, queued: int) -> str | None:
    """The reason to deny for depth alone; `ask_fleet` when it depends on the beacons; None to admit."""
    if limits.most_queued and queued >= limits.most_queued:
        return "queued_depth_exceeded"
    return "ask_fleet" if limits.soft_queued and queued >= limits.soft_queued else None


def judge_fleet(limits: Limits, fleet: Fleet) -> str | None:
    """The reason to deny once the queue is long. A hub without beacons is waiting for its first one, and admits."""
    return "fleet_unhealthy" if fleet.total and fleet.alive / fleet.total < limits.least_alive else None
