"""Delete what the ledger has kept long enough."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.ledger.commands import Retain
from schema.ledger.tables import cursor, dead_letter, receipt
from schema.outcome import Done, Outcome
from tasks.unit import Unit

#: Receipts answer repetitions for this long.
RECEIPT_HOURS = 24
#: Nobody has looked at a dead letter for this long: it is given up.
DEAD_LETTER_DAYS = 90
#: Cursors of lives of the broker that ended this long ago.
CURSOR_DAYS = 30
#: Rows deleted per transaction, so that retention never holds a lane for long.
PAGE = 5_000


def retain(command: Retain, unit: Unit) -> Outcome:
    """One page of each kind; orders the next page while there is more."""
    deleted = {
        "Receipts": _page(unit, receipt.c.id, receipt.c.settled_at, timedelta(hours=RECEIPT_HOURS)),
        "DeadLetters": _page(unit, dead_letter.c.id, dead_letter.c.died_at, timedelta(days=DEAD_LETTER_DAYS)),
        "Cursors": unit.change(sa.delete(cursor).where(cursor.c.moved_at < unit.now - timedelta(days=CURSOR_DAYS))).rowcount,
    }
    if PAGE in (deleted["Receipts"], deleted["DeadLetters"]):
        unit.order(Retain())
    return Done(deleted)


def _page(unit: Unit, key: sa.Column[str], stamp: sa.Column[object], age: timedelta) -> int:
    ids = list(unit.read(sa.select(key).where(stamp < unit.now - age).order_by(stamp).limit(PAGE)).scalars())
    if ids:
        unit.change(sa.delete(key.table).where(key.in_(ids)))
    return len(ids)
