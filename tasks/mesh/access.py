"""The actions of DataBeaconAccess: what there is, and rows of it."""

from __future__ import annotations

from typing import Any

import orjson

from schema.gateway.commands import Read, RunQuery, RunSelect
from schema.gateway.rules import querying
from schema.gateway.rules.addresses import MOST_ROWS, USUAL_CAP
from schema.gateway.rules.querying import BadQuery, query_of
from schema.gateway.rules.statements import reading
from schema.gateway.wire import connection_record
from tasks.mesh import tables
from tasks.mesh.errand import Errand, Failed

Outputs = dict[str, Any]


def list_connections(errand: Errand) -> Outputs:
    return {"Connections": [connection_record(row) | {"Config": "{}"} for row in tables.connections(errand)]}


def list_tables(errand: Errand) -> Outputs:
    rows = tables.entities(errand, tables.connection_of(errand))
    shown = [{"TableName": row["name"], "EndpointsEnabled": bool(row["enabled"]), "RowCountEstimate": row["row_estimate"]} for row in rows]
    return {"Tables": shown}


def read_records(errand: Errand) -> Outputs:
    of = tables.connection_of(errand)
    row = tables.entity_named(errand, of, str(errand.settings.get("TableName") or ""))
    begin, cap = _number(errand, "Begin", 0, 10**12), _number(errand, "Cap", 100, MOST_ROWS)
    page = Read(hub=errand.hub, connection=of, entity=row["id"], digest=row["digest"], begin=begin, cap=cap or USUAL_CAP)
    records = errand.done(page)["Rows"]
    return {"Records": records, "Count": len(records)}


def _number(errand: Errand, name: str, usual: int, most: int) -> int:
    given = errand.settings.get(name)
    if given is None:
        return usual
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= most:
        raise Failed(f"{name} must be a whole number from 0 to {most}.")
    return given


def query_table(errand: Errand) -> Outputs:
    of, text = tables.connection_of(errand), errand.settings.get("SQL")
    try:
        sql = reading(text if isinstance(text, str) else "")
    except ValueError as error:
        raise Failed(str(error), refused=True) from error
    found = errand.done(RunSelect(hub=errand.hub, connection=of, sql=sql))
    return {"Rows": found["Rows"], "RowCount": found["RowCount"], "More": found["More"]}


def aggregate(errand: Errand) -> Outputs:
    found = run(errand, _spec(errand, "AggregateSpec"), querying.aggregate_tree)[1]
    return {name: found[name] for name in ("Rows", "RowCount", "ElapsedMs", "SQL")}


def join(errand: Errand) -> Outputs:
    spec = _spec(errand, "JoinSpec")
    tree, found = run(errand, spec, querying.join_tree)
    return querying.join_outputs(tree, spec, found)


def query(errand: Errand) -> Outputs:
    return run(errand, _spec(errand, "Query"), dict)[1]


def _spec(errand: Errand, name: str) -> dict[str, Any]:
    """An object, or a text that holds one."""
    given = errand.settings.get(name)
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            given = None
    if not isinstance(given, dict):
        raise Failed(f"{name} must be an object.")
    return given


def run(errand: Errand, spec: dict[str, Any], tree_of: Any) -> tuple[dict[str, Any], Outputs]:
    """The tree that a spec means, and what was found by it. Raises Failed."""
    of = tables.connection_of(errand)
    try:
        tree = tree_of(spec)
        names = query_of(tree).tables()
    except BadQuery as error:
        raise Failed(str(error)) from error
    return tree, errand.done(RunQuery(hub=errand.hub, connection=of, tree=tree, tables=tables.named_in(errand, of, names)))
