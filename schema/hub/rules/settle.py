"""What a beacon's report means for the item it names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schema.hub.rules.lifecycle import FINAL


class Verdict(Enum):
    """The named decisions of `settle`."""

    ACCEPTED = "accepted"
    #: The holder repeats what it has already said: same answer, no change.
    DUPLICATE = "duplicate"
    #: An earlier holder is late: kept as evidence, changes nothing.
    SUPERSEDED = "superseded"
    #: The reporter never held this attempt.
    FOREIGN = "foreign"
    ALREADY_FINAL = "already_final"
    #: The attempt was canceled while its holder worked: what it says is kept with the attempt, the item stays canceled.
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Named:
    """The attempt that a report names: who holds or held it, how it stands, whether it is the item's newest and the item has ended."""

    holder: str
    outcome: str
    newest: bool
    item_status: str


def settle(attempt: Named | None, beacon: str | None, kind: str) -> Verdict:
    """Judge a report of `kind` (`Complete`, `Error`, empty for progress) by `beacon`, None where nothing is known of who reports.

    A reporter that is not known is believed, which is how the original's client reports in open mode. `attempt` is None when the
    item has no such attempt.
    """
    if attempt is None or beacon not in (None, attempt.holder):
        return Verdict.FOREIGN
    if attempt.outcome == "Running":
        return Verdict.ACCEPTED
    if attempt.outcome == kind:
        return Verdict.DUPLICATE
    if attempt.outcome == "Canceled" and kind:
        return Verdict.CANCELED
    return Verdict.ALREADY_FINAL if attempt.newest and attempt.item_status in FINAL else Verdict.SUPERSEDED
