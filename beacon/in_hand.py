"""What the beacon holds, and what it has already settled."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from threading import Condition

from beacon.context import WorkContext
from beacon.transport import Wire

#: Settled attempts that are remembered, so that one offered again is not done again.
REMEMBERED = 1_000


class Offer(Enum):
    """What an offered attempt is to the beacon."""

    NEW = "new"
    IN_HAND = "in hand"
    SETTLED = "settled"


class InHand:
    """The attempts in hand, from the moment they are taken to the moment the hub has accepted or dropped their report.

    An attempt whose report was not accepted is forgotten: offered again, it is done again.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._contexts: dict[tuple[str, int], WorkContext] = {}
        self._announced: set[tuple[str, int]] = set()
        self._settled: OrderedDict[tuple[str, int], None] = OrderedDict()

    def offer(self, context: WorkContext) -> Offer:
        """Takes the attempt when it is new. An older attempt at the same item is cancelled then: the hub has given it up."""
        item = context.item
        with self._changed:
            if item.key in self._settled:
                return Offer.SETTLED
            if item.key in self._contexts:
                return Offer.IN_HAND
            older = [held for held in self._contexts.values() if held.item.hash == item.hash]
            self._contexts[item.key] = context
        for held in older:
            held.cancel()
        return Offer.NEW

    def release(self, context: WorkContext, accepted: bool) -> None:
        key = context.item.key
        with self._changed:
            self._contexts.pop(key, None)
            self._announced.discard(key)
            if accepted:
                self._settled[key] = None
                if len(self._settled) > REMEMBERED:
                    self._settled.popitem(last=False)
            self._changed.notify_all()

    def announce(self) -> list[Wire]:
        """What a heartbeat says; everything listed counts as announced."""
        with self._changed:
            self._announced.update(self._contexts)
            return [{"WorkItemHash": work_item_hash, "AttemptNumber": attempt} for work_item_hash, attempt in self._contexts]

    def unannounced(self, seconds: float) -> bool:
        """Whether something has been in hand for that long without the hub having been told."""
        limit = time.monotonic() - seconds
        with self._changed:
            return any(held.started < limit for key, held in self._contexts.items() if key not in self._announced)

    def cancel(self, hashes: set[str] | None = None) -> list[str]:
        """Cancels the attempts at these items, or all; returns the hashes of those that were not cancelled before."""
        with self._changed:
            meant = [held for held in self._contexts.values() if (hashes is None or held.item.hash in hashes) and not held.cancelled()]
        for held in meant:
            held.cancel()
        return [held.item.hash for held in meant]

    def wait_empty(self, seconds: float, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Whether nothing was left in hand within that time; gives up early once `hurry()` is true and `wake` was called."""
        with self._changed:
            self._changed.wait_for(lambda: not self._contexts or hurry(), seconds)
            return not self._contexts

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def hashes(self) -> list[str]:
        with self._changed:
            return [work_item_hash for work_item_hash, _ in self._contexts]
