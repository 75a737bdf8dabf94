"""What a wish to cancel means for the item it names."""

from __future__ import annotations

from enum import Enum

from schema.hub.rules.lifecycle import FINAL, HELD

#: Milliseconds that a holder has to say its last word, unless the caller says otherwise; then the item is canceled without it.
GRACE_MS = 10_000


class Wish(Enum):
    """The named decisions of `judge_cancel`."""

    #: Nobody holds it: it ends at once.
    AT_ONCE = "at_once"
    #: Somebody works on it: its holder is told, and the item ends with the holder's next word or when the grace is over.
    ASK_HOLDER = "ask_holder"
    #: The wish was heard before: same answer, no change.
    ASKED = "asked"
    ALREADY_CANCELED = "already_canceled"
    ALREADY_FINAL = "already_final"


def judge_cancel(status: str, requested: bool) -> Wish:
    """Judge the wish by the item's state and whether it was canceled before."""
    if status == "Canceled":
        return Wish.ALREADY_CANCELED
    if status in FINAL:
        return Wish.ALREADY_FINAL
    if status in HELD:
        return Wish.ASKED if requested else Wish.ASK_HOLDER
    return Wish.AT_ONCE
