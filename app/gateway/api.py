"""The gateway's safe methods."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from app.answers import Blueprint, refuse
from app.gateway import compat, questions
from app.gateway.here import hub_id
from app.gateway.numbers import number
from schema.gateway.rules.kinds import KINDS, form_of
from schema.gateway.wire import connection_record

gateway = Blueprint("gateway", __name__, description="Foreign databases: connections to them, as they are.")
gateway.after_request(compat.told)


@gateway.route("/beacon/connections")
def connections() -> dict[str, Any]:
    """Every connection; secrets are masked."""
    records = [connection_record(row) for row in questions.connections(hub_id())]
    return {"Count": len(records), "Connections": records}


@gateway.route("/beacon/connection/<id>")
def connection(id: str) -> dict[str, Any]:
    """One connection."""
    row = questions.connection_by_id(hub_id(), number(id))
    if row is None:
        refuse("not_found", "Connection not found")
    return {"Connection": connection_record(row)}


@gateway.route("/beacon/connection/available-types")
def available_types() -> dict[str, Any]:
    """The kinds of databases that are known, and which of them this machine has the driver for."""
    return {"Types": [{"Type": kind.type, "Installed": bool(kind.module) and find_spec(kind.module) is not None} for kind in KINDS.values()]}


@gateway.route("/beacon/connection/schemas")
def schemas() -> dict[str, Any]:
    """The form of each kind of database, for whoever draws it."""
    return {"Schemas": [form_of(kind) for kind in KINDS.values() if kind.engine]}
