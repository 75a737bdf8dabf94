"""Which waiting item goes to which beacon: the one rule for every transport."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from schema.hub.rules.lines import general, named, paused


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that could be dispatched, as far as the decision needs it."""

    work_item_hash: str
    capability: str
    action: str = "Execute"
    affinity_key: str = ""
    require_affinity_match: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """A registered beacon with `free` slots (0 when it is full, away or paused); `load` counts what it already does.

    `actions` lists those that it takes of a capability; of one that is not listed there it takes any.
    """

    beacon_id: str
    name: str
    capabilities: frozenset[str]
    free: int
    load: int = 0
    actions: Mapping[str, Collection[str]] = field(default_factory=dict)

    def takes(self, item: Waiting) -> bool:
        """Whether it can do such an item at all."""
        return item.capability in self.capabilities and item.action in self.actions.get(item.capability, (item.action,))


@dataclass(frozen=True, slots=True)
class Assignment:
    work_item_hash: str
    beacon_id: str


@dataclass(slots=True)
class Plan:
    """What is to be done: items that start, affinity keys that are bound (or used again) by it, and the lines of those that wait."""

    assignments: list[Assignment] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)


def assign(waiting: Sequence[Waiting], hands: Sequence[Hand], bindings: Mapping[str, str] | None = None, off: Collection[str] = ()) -> Plan:
    """The plan for items given in dispatch order, never above a beacon's free slots.

    An affinity key that is a beacon's name goes to that beacon alone, whatever it can do; one that `bindings` or an earlier item
    binds to a beacon (by its id) goes to that one if it can do it; else whoever takes the item binds its key. A required match that no
    beacon's name satisfies waits. Among equals the least loaded beacon is chosen. Capabilities in `off` are paused. An item that finds
    no hand blocks nobody behind it.
    """
    return _Round(hands, bindings or {}, off).plan(waiting)


class _Round:
    """The hands while they are being filled."""

    def __init__(self, hands: Sequence[Hand], bindings: Mapping[str, str], off: Collection[str]) -> None:
        self._free = {hand.beacon_id: hand.free for hand in hands}
        self._load = {hand.beacon_id: hand.load for hand in hands}
        self._by_id = {hand.beacon_id: hand for hand in hands}
        self._by_name = {hand.name: hand for hand in hands}
        self._by_capability: dict[str, list[Hand]] = {}
        for hand in hands:
            for capability in hand.capabilities:
                self._by_capability.setdefault(capability, []).append(hand)
        self._bindings = dict(bindings)
        self._off = off

    def plan(self, waiting: Sequence[Waiting]) -> Plan:
        plan = Plan()
        for item in waiting:
            hand, line = self._hand_for(item)
            if hand is None:
                plan.parked[item.work_item_hash] = line
                continue
            self._free[hand.beacon_id] -= 1
            self._load[hand.beacon_id] += 1
            plan.assignments.append(Assignment(item.work_item_hash, hand.beacon_id))
            if self._binds(item, hand):
                plan.bound[item.affinity_key] = self._bindings[item.affinity_key] = hand.beacon_id
        return plan

    def _binds(self, item: Waiting, hand: Hand) -> bool:
        """Whether the key means this beacon from now on: it is no name, and means no other one that is still registered."""
        if not item.affinity_key or item.affinity_key in self._by_name:
            return False
        return self._by_id.get(self._bindings.get(item.affinity_key, "")) in (None, hand)

    def _hand_for(self, item: Waiting) -> tuple[Hand | None, str]:
        """The hand that takes it, None when there is none; and the line in which it waits in that case."""
        wanted = self._wanted(item)
        if item.capability in self._off:
            certain = wanted is not None or item.require_affinity_match
            return None, paused(item.capability) if certain else general(item.capability)
        if wanted is not None:
            return wanted if self._free[wanted.beacon_id] > 0 else None, named(wanted.name)
        if item.require_affinity_match:
            return None, named(item.affinity_key)
        able = [hand for hand in self._by_capability.get(item.capability, ()) if self._free[hand.beacon_id] > 0 and hand.takes(item)]
        return min(able, key=lambda hand: (self._load[hand.beacon_id], hand.beacon_id), default=None), general(item.capability)

    def _wanted(self, item: Waiting) -> Hand | None:
        """The one beacon that may have it: named, else bound."""
        if not item.affinity_key:
            return None
        hand = self._by_name.get(item.affinity_key)
        if hand is None and not item.require_affinity_match:
            hand = self._by_id.get(self._bindings.get(item.affinity_key, ""))
            if hand is not None and not hand.takes(item):
                return None
        return hand
