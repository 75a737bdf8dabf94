"""Which waiting item goes to which beacon: the one rule for every transport."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that could be dispatched, as far as the decision needs it."""

    work_item_hash: str
    capability: str
    priority: int
    affinity_key: str = ""
    require_affinity_match: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """A registered beacon with `free` slots (0 when it is full or away); `load` counts what it already does."""

    beacon_id: str
    name: str
    capabilities: frozenset[str]
    free: int
    load: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    work_item_hash: str
    beacon_id: str


def assign(waiting: Sequence[Waiting], hands: Sequence[Hand]) -> list[Assignment]:
    """Assignments for items given in dispatch order (priority, then age), never above a beacon's free slots.

    An affinity key that is a beacon's name goes to that beacon alone; a required match that no beacon satisfies waits. Among
    equals the least loaded beacon is chosen. An item that finds no hand blocks nobody behind it.
    """
    free = {hand.beacon_id: hand.free for hand in hands}
    load = {hand.beacon_id: hand.load for hand in hands}
    by_name = {hand.name: hand for hand in hands}
    by_capability: dict[str, list[Hand]] = {}
    for hand in hands:
        for capability in hand.capabilities:
            by_capability.setdefault(capability, []).append(hand)
    assignments = []
    for item in waiting:
        chosen = _hand_for(item, by_name, by_capability, free, load)
        if chosen is None:
            continue
        free[chosen] -= 1
        load[chosen] += 1
        assignments.append(Assignment(item.work_item_hash, chosen))
    return assignments


def _hand_for(
    item: Waiting, by_name: dict[str, Hand], by_capability: dict[str, list[Hand]], free: dict[str, int], load: dict[str, int]
) -> str | None:
    named = by_name.get(item.affinity_key) if item.affinity_key else None
    if named is not None:
        return named.beacon_id if free[named.beacon_id] > 0 else None
    if item.require_affinity_match:
        return None
    open_hands = [hand.beacon_id for hand in by_capability.get(item.capability, ()) if free[hand.beacon_id] > 0]
    return min(open_hands, key=lambda id: (load[id], id), default=None)
