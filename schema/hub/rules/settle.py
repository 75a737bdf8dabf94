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


@dataclass(frozen=True, slots=True)
class Standing:
    """How the item stands: its state, who holds or last held it, and the number of that attempt."""

    status: str
    holder: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: `beacon` and `attempt` as far as the caller said or its session tells; None where nothing is known."""

    beacon: str | None
    attempt: int | None


def settle(item: Standing, reporter: Reporter, said_before: bool) -> Verdict:
    """Judge a report. `said_before`: the current attempt has already ended with this very kind of report.

    A reporter that names no attempt is taken for the current one if it is the holder; one that names nothing at all is believed,
    which is how the original's client reports in open mode.
    """
    attempt = item.attempt if reporter.attempt is None else reporter.attempt
    if attempt < item.attempt:
        return Verdict.SUPERSEDED
    if attempt > item.attempt or reporter.beacon not in (None, item.holder):
        return Verdict.FOREIGN
    if item.status == "Running":
        return Verdict.ACCEPTED
    if said_before:
        return Verdict.DUPLICATE
    return Verdict.ALREADY_FINAL if item.status in FINAL else Verdict.SUPERSEDED
