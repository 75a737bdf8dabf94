"""What a dispatch looks at: of each line from which a free beacon may take, as many of the first as could all be taken.

Whoever stands further back cannot go before those; so nothing is missed, and the cost is bounded by free slots, never by the backlog.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from schema.hub.rules.assign import Hand
from schema.hub.rules.lines import general, named


@dataclass(frozen=True, slots=True)
class Window:
    """The first `most` of a line; of one action alone if it is given."""

    line: str
    action: str | None
    most: int


@dataclass(slots=True)
class _Wanted:
    """What free beacons make of one capability: slots in all, whether some take any action, and the actions that others name."""

    slots: int = 0
    anything: bool = False
    actions: set[str] = field(default_factory=set)


def windows_of(
    hands: Sequence[Hand], called: Collection[str], waiting: Mapping[tuple[str, str], int], off: Collection[str], most: int
) -> tuple[list[Window], bool]:
    """The windows, and whether they were cut so that they hold about `most` items in all: then there may be more to give out.

    `called` are the ids of beacons in whose own line somebody stands, `waiting` how many wait of each (capability, action).
    """
    wide = [*_general(hands, waiting, off), *(Window(named(hand.name), None, hand.free) for hand in hands if hand.free and hand.beacon_id in called)]
    share = max(1, most // len(wide)) if wide else 0
    if sum(window.most for window in wide) <= most:
        return wide, False
    return [Window(window.line, window.action, min(window.most, share)) for window in wide], True


def _general(hands: Sequence[Hand], waiting: Mapping[tuple[str, str], int], off: Collection[str]) -> list[Window]:
    pending: dict[str, int] = {}
    for (capability, _), count in waiting.items():
        if capability not in off:
            pending[capability] = pending.get(capability, 0) + count
    found = []
    for capability, wanted in sorted(_wanted(hands, pending).items()):
        if wanted.anything:
            found.append(Window(general(capability), None, min(wanted.slots, pending[capability])))
        counts = [(action, waiting.get((capability, action), 0)) for action in sorted(wanted.actions)]
        found += [Window(general(capability), action, min(wanted.slots, count)) for action, count in counts if count]
    return found


def _wanted(hands: Sequence[Hand], pending: Mapping[str, int]) -> dict[str, _Wanted]:
    found: dict[str, _Wanted] = {}
    for hand in hands:
        if not hand.free:
            continue
        for capability in hand.capabilities & pending.keys():
            wanted = found.setdefault(capability, _Wanted())
            wanted.slots += hand.free
            if capability in hand.actions:
                wanted.actions.update(hand.actions[capability])
            else:
                wanted.anything = True
    return found
