"""The chain around each verb: known already? carry out, keep the receipt. One envelope at a time, in the order of the lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from schema.envelope import Envelope
from schema.outcome import Outcome
from tasks.receipts import Receipts
from tasks.unit import Unit

#: Carries out one kind of command inside a unit; in a lane of a foreign database inside a visit, in a loose lane at a desk.
Verb = Callable[[Any, Any], Outcome]

#: Reads what all commands of its kind in a batch will ask for, with one statement.
Foresight = Callable[[Sequence[Any], Unit], None]

#: The envelope being carried out in this thread; the log adds its ids to every line (`tasks.log`).
current: ContextVar[Envelope | None] = ContextVar("current", default=None)


def foresee(envelopes: Sequence[Envelope], unit: Unit, foresights: Mapping[str, Foresight]) -> None:
    """Let verbs that know what they will read have it read for all of these envelopes at once."""
    asked: dict[Foresight, list[Any]] = {}
    for envelope in envelopes:
        foresight = foresights.get(envelope.command.name)
        if foresight is not None:
            asked.setdefault(foresight, []).append(envelope.command)
    for foresight, commands in asked.items():
        foresight(commands, unit)


def run(envelope: Envelope, unit: Unit, receipts: Receipts, verbs: Mapping[str, Verb]) -> Outcome:
    """Carry the envelope out, or give the outcome that it already has. Whatever raises here is a defect or a transient failure."""
    unit.envelope = envelope
    token = current.set(envelope)
    try:
        known = receipts.settled(envelope)
        if known is not None:
            return known
        outcome = verbs[envelope.command.name](envelope.command, unit)
        receipts.keep(envelope, outcome)
        return outcome
    finally:
        current.reset(token)
