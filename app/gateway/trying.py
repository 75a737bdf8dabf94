"""Whether a foreign database can be had: tried by its databeacon."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out
from app.gateway import compat
from app.gateway.here import hub_id
from app.gateway.known import connection_of
from schema.gateway.commands import TryConnection
from schema.gateway.forms import NothingWire

trying = Blueprint("trying", __name__, description="Foreign databases: whether they can be had.")
trying.after_request(compat.told)

Body = dict[str, Any]


@trying.route("/beacon/connection/<id>/test", methods=["POST"])
@trying.arguments(NothingWire, required=False)
def test(_: Body, id: str) -> Response:
    """Open the database and ask it something; the result is kept with the connection."""
    return carry_out(TryConnection(hub=hub_id(), connection=connection_of(id)["id"]))


@trying.route("/beacon/connection/<id>/connect", methods=["POST"])
@trying.arguments(NothingWire, required=False)
def connect(_: Body, id: str) -> Response:
    """Open the database, and serve it from now on, also after restarts."""
    return carry_out(TryConnection(hub=hub_id(), connection=connection_of(id)["id"], connect=True))
