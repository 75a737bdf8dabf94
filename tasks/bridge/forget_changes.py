"""Forget which rows had changed, for nobody follows any more."""

from __future__ import annotations

import sqlalchemy as sa

from schema.bridge.commands import ForgetChanges
from schema.ledger.tables import change
from schema.outcome import Done, Outcome
from tasks.unit import Unit

#: Rows of one command.
PAGE = 2_000


def forget_changes(command: ForgetChanges, unit: Unit) -> Outcome:
    """Delete a page of them. A follower that comes meanwhile begins above that number, so what it needs is not touched."""
    mine = (change.c.hub == command.hub) & (change.c.number <= command.until)
    bound = unit.read(sa.select(change.c.number).where(mine).order_by(change.c.number).offset(PAGE - 1).limit(1)).scalar()
    unit.change(sa.delete(change).where(mine if bound is None else mine & (change.c.number <= bound)))
    if bound is not None:
        unit.order(ForgetChanges(hub=command.hub, until=command.until))
    return Done()
