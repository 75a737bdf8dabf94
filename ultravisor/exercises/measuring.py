"""What the rows of an exercise say: how long things waited and took, how many ran at a time, and whether one capability held up another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil
from typing import Any

#: So long no capability may have items waiting and slots free, at full scale.
BLOCKED_SECONDS = 1.5
#: At any scale: what happens between two transactions is not held up.
LEAST_BLOCKED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as its row has it."""

    capability: str
    status: str
    enqueued_at: datetime
    dispatched_at: datetime | None
    ended_at: datetime | None
    asked_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its row has it; `bent` where its settings were made to fail."""

    status: str
    started_at: datetime
    stopped_at: datetime | None
    bent: bool = False


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, by the nearest rank.

    >>> percentiles([4.0, 1.0, 3.0, 2.0])
    {'p50': 2.0, 'p95': 4.0, 'p99': 4.0, 'max': 4.0}
    """
    ordered = sorted(values)
    if not ordered:
        return {}
    ranks = {f"p{share}": ordered[max(ceil(len(ordered) * share / 100), 1) - 1] for share in (50, 95, 99)}
    return {name: round(value, 1) for name, value in {**ranks, "max": ordered[-1]}.items()}


def times(items: Sequence[Item]) -> dict[str, dict[str, float]]:
    """Milliseconds in the queue, on a beacon, from end to end, and on a beacon beyond what was asked for."""
    done = [item for item in items if item.dispatched_at is not None and item.ended_at is not None]
    return {
        "QueueWaitMs": percentiles(_ms(item.enqueued_at, item.dispatched_at) for item in done),
        "RunMs": percentiles(_ms(item.dispatched_at, item.ended_at) for item in done),
        "EndToEndMs": percentiles(_ms(item.enqueued_at, item.ended_at) for item in done),
        "BeyondAskedMs": percentiles(_ms(item.dispatched_at, item.ended_at) - item.asked_ms for item in done if item.status == "Complete"),
    }


def _ms(since: Any, until: Any) -> float:
    found: float = (until - since).total_seconds() * 1000
    return found


def peaks(items: Sequence[Item]) -> dict[str, int]:
    """The most items of each capability that ran at one time."""
    found: dict[str, int] = {}
    for capability, steps in _steps(items).items():
        found[capability] = max((running for _, _, running in steps), default=0)
    return found


def blocked_seconds(items: Sequence[Item], slots: Mapping[str, int]) -> dict[str, float]:
    """The longest time for which each capability had items waiting and a slot free."""
    found = {}
    for capability, steps in _steps(items).items():
        longest, since = 0.0, None
        for (at, queued, running), (until, _, _) in pairwise([*steps, (steps[-1][0], 0, 0)]):
            blocked = queued > 0 and running < slots.get(capability, 1)
            since = (since or at) if blocked else None
            longest = max(longest, (until - since).total_seconds()) if since is not None else longest
        found[capability] = round(longest, 3)
    return found


def _steps(items: Sequence[Item]) -> dict[str, list[tuple[datetime, int, int]]]:
    """For each capability, from each moment on, how many of its items wait and run."""
    changes: dict[str, list[tuple[datetime, int, int]]] = {}
    for item in items:
        mine = changes.setdefault(item.capability, [])
        mine.append((item.enqueued_at, 1, 0))
        if item.dispatched_at is not None:
            mine.append((item.dispatched_at, -1, 1))
            if item.ended_at is not None:
                mine.append((item.ended_at, 0, -1))
    return {capability: _summed(mine) for capability, mine in changes.items()}


def _summed(changes: list[tuple[datetime, int, int]]) -> list[tuple[datetime, int, int]]:
    steps: list[tuple[datetime, int, int]] = []
    queued = running = 0
    for at, waits, runs in sorted(changes):
        queued, running = queued + waits, running + runs
        if steps and steps[-1][0] == at:
            steps.pop()
        steps.append((at, queued, running))
    return steps


def busiest(items: Sequence[Item], slots: Mapping[str, int]) -> int:
    """How many items the capability has that has most to do for each of its slots: their overheads add up to the drain."""
    load: dict[str, list[float]] = {}
    for item in items:
        load.setdefault(item.capability, []).append(item.asked_ms)
    first = max(load, key=lambda capability: sum(load[capability]) / slots.get(capability, 1), default=None)
    return 0 if first is None else ceil(len(load[first]) / slots.get(first, 1))
