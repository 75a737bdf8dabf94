"""What changes the ledger."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from app.answers import Blueprint, carry_out
from schema.ledger.commands import DiscardDeadLetter, ReplayDeadLetter

dead_letter_orders = Blueprint("dead_letter_orders", __name__, description="Commands that failed again and again: what to do with them.")


class ReplayWire(ma.Schema):
    """Nothing is to be said."""


class DiscardWire(ma.Schema):
    """Why it is forgotten."""

    Reason = ma.fields.String(load_default="", validate=ma.validate.Length(max=500))


@dead_letter_orders.route("/api/dead-letters/<id>/replay", methods=["POST"])
@dead_letter_orders.arguments(ReplayWire, required=False)
@dead_letter_orders.response(200)
def replay(_: dict[str, Any], id: str) -> Response:
    """Put it back at the end of its lane, as the order it was."""
    return carry_out(ReplayDeadLetter(dead_letter=id))


@dead_letter_orders.route("/api/dead-letters/<id>", methods=["DELETE"])
@dead_letter_orders.arguments(DiscardWire, required=False)
@dead_letter_orders.response(200)
def discard(body: dict[str, Any], id: str) -> Response:
    """Forget it; the reason stays in the audit."""
    return carry_out(DiscardDeadLetter(dead_letter=id, reason=body["Reason"]))
