"""What the pages of operations and runs ask for beyond what clients of the original do."""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Response, current_app

from app.answers import Blueprint, refuse, shown
from app.content.giving import SANDBOX, saved_as
from app.hub.here import hub_id
from app.paging import cursor_of
from app.runs import audit, board, questions
from app.runs.api import run_row, settings
from app.runs.pages import OperationsQuery, OutputQuery
from schema.runs import forms
from schema.runs.types.base import Task
from schema.runs.wire import elapsed_ms
from schema.sql import to_wire

runs_looking = Blueprint("runs_looking", __name__, description="Operations as people look for them, and what runs have brought.")

Query = dict[str, Any]

#: Graphs up to this size are audited for the list; of others their own page tells.
MOST_AUDITED = 500
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@runs_looking.route("/api/operations")
@runs_looking.arguments(OperationsQuery, location="query")
def operations(query: Query) -> Response:
    """Operations by name, with their newest runs and what their audit has found; those that hold a text, if one is given."""
    rows = board.operations(hub_id(), query["text"], query["limit"] + 1, query["after"])
    page = rows[: query["limit"]]
    newest = board.newest_runs(hub_id(), [row["hash"] for row in page])
    types = questions.task_types(hub_id(), settings().run_local_shell)
    told = {
        "Operations": [_record(row, newest[row["hash"]], types) for row in page],
        "Next": cursor_of([page[-1]["by"], page[-1]["hash"]]) if len(rows) > len(page) else None,
    }
    return shown(told)


def _record(row: board.Row, newest: list[board.Row], types: dict[str, Task]) -> dict[str, Any]:
    document = row["document"]
    findings = audit.audited(document, types, None) if row["node_count"] <= MOST_AUDITED else None
    return {
        "Hash": row["hash"],
        **{name: document.get(name) for name in ("Name", "Description", "Tags", "Author", "Version")},
        "NodeCount": row["node_count"],
        "Revision": row["revision"],
        "UpdatedAt": to_wire(row["updated_at"]),
        "SourceBeacon": row["source_beacon"] or None,
        "Audit": findings and {name: findings[name] for name in ("Valid", "ErrorCount", "WarningCount")},
        "Runs": [_run(run) for run in newest],
    }


def _run(row: board.Row) -> dict[str, Any]:
    told = {"Hash": row["run_hash"], "Status": row["status"], "StartTime": to_wire(row["started_at"]), "StopTime": to_wire(row["stopped_at"])}
    return told | {"ElapsedMs": elapsed_ms(row), "ErrorCount": row["errors"]}


@runs_looking.route("/OperationAudit", methods=["POST"])
@runs_looking.arguments(forms.OperationWire)
def audit_drawn(body: Query) -> Response:
    """What is wrong, or looks wrong, with an operation that has not been stored. It changes nothing."""
    return shown(audit.audited(body, questions.task_types(hub_id(), settings().run_local_shell), None))


@runs_looking.route("/Manifest/<run_hash>/Output")
@runs_looking.arguments(OutputQuery, location="query")
@runs_looking.alt_response(200, content_type="application/octet-stream", description="The output: a text as it is, all else as JSON.")
def output(query: Query, run_hash: str) -> Response:
    """One output of one node, whole, to be saved."""
    run_row(run_hash)
    outputs = board.outputs_of(run_hash, query["node"])
    if outputs is None or query["name"] not in outputs:
        refuse("not_found", f"The run {run_hash} has no output {query['name']} of {query['node']}.")
    value = outputs[query["name"]]
    data, kind = (value.encode(), "txt") if isinstance(value, str) else (orjson.dumps(value, option=orjson.OPT_INDENT_2), "json")
    response = current_app.response_class(data, mimetype="text/plain" if kind == "txt" else "application/json")
    name = _NO_FILE_NAME.sub("-", f"{query['node']}-{query['name']}")[:120]
    response.headers["Content-Disposition"] = saved_as(f"{name}.{kind}")
    # Whoever wrote the operation decides what stands in it: it is saved and not shown.
    response.headers["Content-Security-Policy"] = SANDBOX
    return response
