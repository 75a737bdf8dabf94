"""The order of dispatch: by priority, then by age, and nobody waits for ever.

The rank is fixed when an item becomes ready, as a time that its priority shifts: each step of priority counts as a minute of
waiting. So one ascending index gives the order for good, and an item of lower priority is overtaken only by those who come within
that many minutes after it. Among items that became ready at the same time the order is that of priority, then of age.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Milliseconds of waiting that weigh as much as one step of priority.
AGEING_MS = 60_000
#: Priorities lie between the negative and the positive of it: a 32-bit column keeps them.
MOST_PRIORITY = 2**31 - 1


def rank_of(ready_ms: int, priority: int) -> int:
    """Where an item stands that became ready at that time; lower goes first.

    >>> rank_of(0, 0) < rank_of(59_999, 0) < rank_of(60_000, 0)
    True
    >>> rank_of(120_001, 2) > rank_of(0, 0) > rank_of(119_999, 2)
    True
    """
    return ready_ms - priority * AGEING_MS


@dataclass(frozen=True, slots=True)
class Place:
    """What tells the order of an item among its neighbours."""

    rank: int
    priority: int


def moved(direction: str, neighbour: Place) -> Place | None:
    """The place just ahead of the neighbour (`up`) or just behind it (`down`), None where no priority is left for it.

    The priority becomes the neighbour's and one, as in the original; the rank alone decides, so the item passes its neighbour and
    nobody else but those who stand there to the same millisecond.
    """
    step = 1 if direction == "up" else -1
    priority = neighbour.priority + step
    return Place(neighbour.rank - step, priority) if abs(priority) <= MOST_PRIORITY else None


def prioritized(place: Place, priority: int) -> Place:
    """The place with another priority: where the item would stand if it had always had it.

    >>> prioritized(Place(rank_of(90_000, 0), 0), 3) == Place(rank_of(90_000, 3), 3)
    True
    """
    return Place(place.rank - (priority - place.priority) * AGEING_MS, priority)
