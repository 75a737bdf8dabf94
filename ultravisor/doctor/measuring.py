"""Times of short actions."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter


def median_ms(action: Callable[[], object], times: int) -> float:
    """The middle one of so many durations, in milliseconds: one slow outlier says nothing about the rest."""
    return median(_milliseconds(action) for _ in range(times))


def _milliseconds(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return (perf_counter() - began) * 1000
