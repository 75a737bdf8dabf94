"""What a measurement gives: rows of one table, and the few numbers that stand for many samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

__all__ = ["Row", "at_least", "at_most", "median", "percentile", "plain"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `ratio` where it is one of two figures of the same run; `held` None where there is no goal, only something to know."""

    what: str
    goal: str
    measured: str
    ratio: float | None = None
    held: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plain(what: str, measured: str, ratio: float | None = None) -> Row:
    """A figure without a goal."""
    return Row(what, "", measured, ratio)


def at_least(what: str, goal: float, value: float, unit: str) -> Row:
    """A rate that must not be lower than the goal."""
    return Row(what, f">= {goal:,g} {unit}", f"{value:,.0f} {unit}", held=value >= goal)


def at_most(what: str, goal: float, value: float, unit: str) -> Row:
    """A time or size that must not be higher than the goal."""
    return Row(what, f"<= {goal:g} {unit}", f"{value:.3g} {unit}", held=value <= goal)


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all samples does not exceed.

    >>> percentile([5, 1, 4, 2, 3], 0.5), percentile(range(100), 0.99)
    (3, 98)
    """
    ordered = sorted(samples)
    return ordered[max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1)]
