"""Which tables are behind a connection, and which of them are served."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response

from app.answers import Blueprint, carry_out, refuse
from app.gateway import compat, questions
from app.gateway.here import hub_id
from app.gateway.known import connection_of
from app.gateway.numbers import number
from schema.gateway.commands import DisableEntity, Introspect
from schema.gateway.forms import IntrospectWire, NothingWire
from schema.sql import to_wire

tables = Blueprint("tables", __name__, description="Tables of foreign databases, and the addresses under which they are served.")
tables.after_request(compat.told)

Body = dict[str, Any]


@tables.route("/beacon/connection/<id>/introspect", methods=["POST"])
@tables.arguments(IntrospectWire)
def introspect(body: Body, id: str) -> Response:
    """Look what tables and views there are, or whether the one of that name is. What is gone is forgotten."""
    return carry_out(Introspect(hub=hub_id(), connection=connection_of(id)["id"], table=body["TableName"]))


@tables.route("/beacon/connection/<id>/tables")
def listed(id: str) -> dict[str, Any]:
    """The tables and views that were found the last time."""
    rows = questions.entities(connection_of(id)["id"])
    return {"Count": len(rows), "Tables": [_shown(row) for row in rows]}


@tables.route("/beacon/connection/<id>/table/<name>")
def one(id: str, name: str) -> dict[str, Any]:
    """One of them, with its columns and keys."""
    row = questions.entity_named(connection_of(id)["id"], name)
    if row is None:
        refuse("not_found", "Table not found")
    return {**_shown(row), "Columns": row["columns"], "Keys": row["keys"]}


def _shown(row: sa.RowMapping) -> dict[str, Any]:
    return {
        "IDIntrospectedTable": row["id"],
        "TableName": row["name"],
        "Form": row["form"],
        "ColumnCount": len(row["columns"]),
        "RowCountEstimate": row["row_estimate"],
        "EndpointsEnabled": bool(row["enabled"]),
        "LastIntrospectedDate": to_wire(row["introspected_at"]),
    }


@tables.route("/beacon/endpoint/<id>/<name>/enable", methods=["POST"])
@tables.arguments(NothingWire, required=False)
def enable(_: Body, id: str, name: str) -> Response:
    """Serve a table, as it is now. Again, it is looked at again."""
    return carry_out(Introspect(hub=hub_id(), connection=connection_of(id)["id"], table=name, enable=True))


@tables.route("/beacon/endpoint/<id>/<name>/disable", methods=["POST"])
@tables.arguments(NothingWire, required=False)
def disable(_: Body, id: str, name: str) -> Response:
    """Serve a table no longer, from this moment on."""
    return carry_out(DisableEntity(hub=hub_id(), connection=number(id), table=name))


@tables.route("/beacon/endpoints")
def endpoints() -> dict[str, Any]:
    """What is served right now."""
    rows = questions.endpoints(hub_id())
    told = [
        {
            "ConnectionID": row["id"],
            "TableName": row["name"],
            "ConnectionType": row["kind"],
            "RouteHash": row["slug"],
            "EndpointBase": f"/1.0/{row['slug']}/{row['name']}",
        }
        for row in rows
    ]
    return {"Count": len(told), "Endpoints": told}
