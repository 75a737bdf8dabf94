"""How many items of one concurrency key may be under way at once.

An item asks for a permit when it becomes ready and gives it back when it ends or waits for another try. Those that get none stand in
the key's own line, in order of rank: one that finds no beacon holds up those of its key behind it, and nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence


def may_have(held: int, waiting: int, limit: int) -> bool:
    """Whether an item that has just become ready gets a permit at once: never past those who wait already."""
    return waiting == 0 and held < limit


def granted(held: int, limits: Sequence[int]) -> int:
    """How many of those who wait get their permits now; `limits` are what each of them allows, in their order.

    >>> granted(1, [3, 3, 3]), granted(2, [2, 5]), granted(0, [1, 1])
    (2, 0, 1)
    """
    for place, limit in enumerate(limits):
        if held + place >= limit:
            return place
    return len(limits)
