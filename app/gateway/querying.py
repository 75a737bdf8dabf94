"""Questions to a foreign database that are more than its records: a statement that only reads, or a query as a tree."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out, refuse
from app.gateway import compat, questions
from app.gateway.here import hub_id
from app.gateway.known import connection_of
from schema.gateway.commands import RunQuery, RunSelect
from schema.gateway.forms import QueryWire
from schema.gateway.rules.querying import BadQuery, query_of
from schema.gateway.rules.statements import reading

querying = Blueprint("querying", __name__, description="Foreign databases: statements that only read, and queries over several tables.")
querying.after_request(compat.told)

Body = dict[str, Any]


@querying.route("/beacon/connection/<id>/query", methods=["POST"])
@querying.arguments(QueryWire)
def query(body: Body, id: str) -> Response:
    """Rows of a statement or of a query, within bounds of rows, bytes and seconds."""
    of = connection_of(id)["id"]
    if body["Query"] is not None:
        return carry_out(_tree(of, body["Query"]))
    try:
        sql = reading(body["SQL"] or body["sql"])
    except ValueError as error:
        refuse("bad_request", str(error))
    return carry_out(RunSelect(hub=hub_id(), connection=of, sql=sql))


def _tree(of: int, tree: dict[str, Any]) -> RunQuery:
    try:
        names = query_of(tree).tables()
    except BadQuery as error:
        refuse("invalid", str(error), Fields={"Query": [str(error)]})
    rows = {row["name"]: row for row in questions.entities(of) if row["enabled"]}
    for name in names:
        if name not in rows:
            refuse("not_found", f"The table {name} is not served here.")
    return RunQuery(hub=hub_id(), connection=of, tree=tree, tables={name: [rows[name]["id"], rows[name]["digest"]] for name in names})
