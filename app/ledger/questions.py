"""What can be read of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.reading import ask
from schema.ledger.tables import dead_letter, outbox, receipt

#: Rows that are counted one by one; more are told as this many.
COUNTED = 10_000

_COUNT = sa.select(sa.func.count().label("n")).select_from(sa.select(dead_letter.c.id).limit(COUNTED).subquery())
_UNSENT = sa.select(sa.func.count().label("n"), sa.func.min(sa.column("committed_at", outbox.c.committed_at.type)).label("oldest")).select_from(
    sa.select(outbox.c.committed_at).order_by(outbox.c.committed_at).limit(COUNTED).subquery()
)
_RECEIPT = sa.select(receipt).where(receipt.c.id == sa.bindparam("receipt_id"))
#: Not the envelope: it may hold secrets.
_LISTED = [column for column in dead_letter.c if column.name not in ("traceback", "envelope")]
_LETTER = sa.select(*_LISTED, dead_letter.c.traceback).where(dead_letter.c.id == sa.bindparam("letter_id"))


def receipt_by_id(id: str) -> sa.RowMapping | None:
    """A settled outcome, None when nothing has settled under this receipt yet or it was too long ago."""
    return next(iter(ask(_RECEIPT, {"receipt_id": id})), None)


def letter_by_id(id: str) -> sa.RowMapping | None:
    """One dead letter with its traceback."""
    return next(iter(ask(_LETTER, {"letter_id": id})), None)


def letters(limit: int, after: str | None) -> Sequence[sa.RowMapping]:
    """Dead letters, newest first, from the one after `after`: their ids are in the order of their making."""
    statement = sa.select(*_LISTED).order_by(dead_letter.c.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(dead_letter.c.id < after)
    return ask(statement)


def letters_counted() -> int:
    """How many dead letters there are, up to COUNTED."""
    return int(ask(_COUNT)[0]["n"])


def unsent() -> tuple[int, datetime | None]:
    """How many commits have events that are not sent yet, up to COUNTED, and the oldest of them."""
    (row,) = ask(_UNSENT)
    return int(row["n"]), row["oldest"]
