"""What the pages ask for beyond the hub's own routes."""

from __future__ import annotations

from flask import Response

from app.answers import Blueprint, shown
from app.lab.condition import condition

lab = Blueprint("lab", __name__, description="What people want to see of the hub as a whole.")


@lab.route("/api/health")
@lab.response(200)
def health() -> Response:
    """How the hub and each of its parts is, with what to do about it; also when the database or the broker does not answer."""
    return shown(condition())
