"""Put a dead letter back at the end of its lane."""

from __future__ import annotations

import sqlalchemy as sa

from schema.envelope import decode
from schema.ledger.commands import ReplayDeadLetter
from schema.ledger.tables import dead_letter
from schema.outcome import Done, Outcome, Refused
from tasks.ledger.audit import note
from tasks.unit import Unit


def replay(command: ReplayDeadLetter, unit: Unit) -> Outcome:
    """The envelope keeps its id, key and actor, so that it still happens only once, whoever repeats it meanwhile."""
    row = unit.read(sa.select(dead_letter).where(dead_letter.c.id == command.dead_letter)).one_or_none()
    if row is None:
        return Refused("not_found", "There is no such dead letter.")
    try:
        envelope = decode(row.envelope)
    except (KeyError, TypeError, ValueError) as error:
        return Refused("conflict", f"The envelope cannot be read by this release: {error!r}")
    unit.order_again(envelope)
    unit.change(sa.delete(dead_letter).where(dead_letter.c.id == command.dead_letter))
    note(unit, command.name, command.dead_letter, "replayed", {"Command": row.command})
    return Done({"DeadLetter": row.id, "Command": row.command, "Lane": row.lane})
