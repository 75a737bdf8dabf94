"""When a waiting item will begin, as far as the past tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Past attempts that count: the newest of each action (ultravisor-hub 9.1).
SAMPLES = 25


@dataclass(frozen=True, slots=True)
class Forecast:
    """`in_ms` from now; `confidence` from 0 to 1."""

    in_ms: int
    confidence: float


def forecast(place: int, free: int, slots: int, durations_ms: Sequence[int]) -> Forecast | None:
    """When the item at `place` (0 is next) begins, on live beacons with so many slots, some of them free; None where there are none.

    The first wave fills the free slots, each later one all slots; a wave takes the median duration.

    >>> forecast(4, 2, 2, [100, 200, 300])
    Forecast(in_ms=400, confidence=0.4)
    >>> forecast(0, 0, 2, [100, 200, 300]).in_ms
    200
    """
    if slots <= 0:
        return None
    wave = 0 if place < free else 1 + (place - free) // slots
    return Forecast(int(wave * percentile(durations_ms, 0.5)), confidence_of(len(durations_ms)))


def confidence_of(samples: int) -> float:
    """How far a forecast from so many samples can be trusted.

    >>> [confidence_of(samples) for samples in (0, 2, 3, 10, 25, 99)]
    [0.0, 0.0, 0.4, 0.7, 1.0, 1.0]
    """
    if samples < 3:
        return 0.0
    if samples <= 10:
        return round(0.4 + 0.3 * (samples - 3) / 7, 4)
    return round(min(1.0, 0.8 + 0.2 * (samples - 10) / (SAMPLES - 10)), 4)


def percentile(values: Sequence[int], share: float) -> float:
    """The value below which `share` of the values lie, between neighbours in proportion; 0 of nothing.

    >>> [percentile([10, 20, 30], share) for share in (0.0, 0.5, 0.75, 1.0)]
    [10.0, 20.0, 25.0, 30.0]
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
