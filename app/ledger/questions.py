"""What can be read of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.reading import ask
from schema.ledger.tables import dead_letter, receipt

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
