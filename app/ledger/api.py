"""The ledger's safe methods."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response

from app.answers import Blueprint, PageWire, page_of, refuse, shown
from app.ledger import questions
from schema.outcome import Done, decode
from schema.sql import to_wire

receipts = Blueprint("receipts", __name__, description="Outcomes of commands, for 24 hours.")
dead_letters = Blueprint("dead_letters", __name__, description="Commands that failed again and again.")


@receipts.route("/api/receipts/<id>")
@receipts.response(200)
@receipts.alt_response(404, description="Nothing has settled under this receipt yet, or more than 24 hours ago.")
def receipt(id: str) -> Response:
    """The outcome of a command: the status and the body that a caller who had waited would have got."""
    row = questions.receipt_by_id(id)
    if row is None:
        refuse("not_found", "Nothing has settled under this receipt yet, or it was more than 24 hours ago.")
    outcome = decode(row["outcome"])
    told = outcome.value if isinstance(outcome, Done) else {"Error": outcome.text, "Code": outcome.code, **outcome.details}
    return shown({"Receipt": id, "Command": row["command"], "SettledAt": to_wire(row["settled_at"]), "Status": outcome.status, "Outcome": told})


@dead_letters.route("/api/dead-letters")
@dead_letters.arguments(PageWire, location="query")
@dead_letters.response(200)
def listed(page: dict[str, Any]) -> Response:
    """Dead letters, newest first. The next page starts after the cursor in X-Next-Cursor."""
    rows = questions.letters(page["limit"] + 1, page["after"])
    return page_of(rows, page["limit"], lambda row: row["id"], _shown)


@dead_letters.route("/api/dead-letters/<id>")
@dead_letters.response(200)
def letter(id: str) -> Response:
    """A dead letter with its traceback."""
    row = questions.letter_by_id(id)
    if row is None:
        refuse("not_found", "There is no such dead letter.")
    return shown({**_shown(row), "Traceback": row["traceback"]})


def _shown(row: sa.RowMapping) -> dict[str, Any]:
    return {
        "DeadLetter": row["id"],
        "Lane": row["lane"],
        "Command": row["command"],
        "Actor": row["actor"],
        "Error": row["error"],
        "Tries": row["tries"],
        "DiedAt": to_wire(row["died_at"]),
    }
