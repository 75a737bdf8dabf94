"""What can be asked of the ledger."""

from __future__ import annotations

from schema.base import Command, command, lane_kind

LEDGER = lane_kind("ledger")


@command("ledger.replay")
class ReplayDeadLetter(Command):
    """Put a dead letter back at the end of its lane, as the order it was."""

    dead_letter: str

    @property
    def lane(self) -> str:
        return LEDGER.of()


@command("ledger.discard")
class DiscardDeadLetter(Command):
    """Forget a dead letter. `reason` stays in the audit."""

    dead_letter: str
    reason: str = ""

    @property
    def lane(self) -> str:
        return LEDGER.of()


@command("ledger.retain")
class Retain(Command):
    """Delete what the ledger has kept long enough: a page of each kind per command, and orders the next page while there is more."""

    @property
    def lane(self) -> str:
        return LEDGER.of()
