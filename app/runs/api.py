"""Operations and runs, as they are. Lists are bare arrays, as clients expect them; the way to the next page is in the headers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app

from app.answers import Blueprint, page_of, refuse, shown, tagged
from app.hub.here import hub_id
from app.runs import audit, library, outputs, questions
from app.runs.pages import HistoryQuery, ListQuery, ManifestQuery, ManifestsQuery
from schema.runs.wire import event_record, manifest_record, operation_record, summary_record, waiting_record
from schema.settings import Settings
from schema.sql import to_wire

runs = Blueprint("runs", __name__, description="Operations and runs, as they are.")

Query = dict[str, Any]

#: Whole manifests of one answer.
MOST_MANIFESTS = 100


def settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


@runs.route("/Operation")
@runs.arguments(ListQuery, location="query")
def operations(query: Query) -> Response:
    """Every operation, whole."""
    rows = questions.operations(hub_id(), query["limit"] + 1, query["after"])
    return page_of(rows, query["limit"], lambda row: row["hash"], lambda row: operation_record(row["document"], row))


@runs.route("/Operation/<operation_hash>")
def operation(operation_hash: str) -> Response:
    """One operation. Its ETag is its revision, for If-Match."""
    row = _operation(operation_hash)
    return tagged(operation_record(row["document"], row), str(row["revision"]))


def _operation(operation_hash: str) -> Any:
    row = questions.operation_by_hash(hub_id(), operation_hash)
    if row is None:
        refuse("not_found", f"There is no operation {operation_hash}.")
    return row


@runs.route("/Operation/<operation_hash>/Export")
def export(operation_hash: str) -> dict[str, Any]:
    """An operation as a file: what it is, without what is ours."""
    document = _operation(operation_hash)["document"]
    return {**document, "ExportedAt": to_wire(datetime.now(UTC))}


@runs.route("/Operation/<operation_hash>/Revisions")
def revisions(operation_hash: str) -> dict[str, Any]:
    """What an operation was at each time that it was changed, newest first."""
    _operation(operation_hash)
    rows = questions.revisions(hub_id(), operation_hash)
    told = [{"Revision": row["number"], "Digest": row["digest"], "SavedBy": row["actor"], "SavedAt": to_wire(row["saved_at"])} for row in rows]
    return {"Hash": operation_hash, "Revisions": told}


@runs.route("/Operation/<operation_hash>/Revisions/<number>")
def revision(operation_hash: str, number: str) -> dict[str, Any]:
    """One revision of an operation, whole."""
    row = questions.document_of(hub_id(), operation_hash, int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
    if row is None:
        refuse("not_found", f"The operation {operation_hash} has no revision {number}.")
    return {**row["document"], "Revision": row["number"]}


@runs.route("/NodeTemplate")
@runs.arguments(ListQuery, location="query")
def templates(query: Query) -> Response:
    """Every node template."""
    rows = questions.templates(hub_id(), query["limit"] + 1, query["after"])
    return page_of(rows, query["limit"], lambda row: row["hash"], lambda row: row["document"])


@runs.route("/NodeTemplate/<template_hash>")
def template(template_hash: str) -> dict[str, Any]:
    """One node template."""
    row = questions.template_by_hash(hub_id(), template_hash)
    if row is None:
        refuse("not_found", f"There is no node template {template_hash}.")
    found: dict[str, Any] = row["document"]
    return found


@runs.route("/TaskType")
def task_types() -> Response:
    """Every task type: the built-in ones, and a card for each action that a beacon has declared."""
    types = questions.task_types(hub_id(), settings().run_local_shell)
    return shown([type.record() for _, type in sorted(types.items())])


@runs.route("/OperationAudit")
@runs.arguments(ListQuery, location="query")
def audit_all(query: Query) -> Response:
    """What is wrong, or looks wrong, with each operation, without running it."""
    types = questions.task_types(hub_id(), settings().run_local_shell)
    rows = questions.operations(hub_id(), query["limit"] + 1, query["after"])
    known = {row["hash"] for row in rows}
    return page_of(rows, query["limit"], lambda row: row["hash"], lambda row: audit.audited(row["document"], types, known))


@runs.route("/OperationAudit/<operation_hash>")
def audit_one(operation_hash: str) -> dict[str, Any]:
    """What is wrong, or looks wrong, with an operation, without running it."""
    row = _operation(operation_hash)
    return audit.audited(row["document"], questions.task_types(hub_id(), settings().run_local_shell), None)


@runs.route("/OperationLibrary")
def library_list() -> Response:
    """The operations that come with the product."""
    return shown(library.entries())


@runs.route("/OperationLibrary/<file_name>")
def library_file(file_name: str) -> dict[str, Any]:
    """One operation of the library, ready to be saved."""
    found = library.document(file_name)
    if found is None:
        refuse("not_found", f"The library has no {file_name}.")
    return found


@runs.route("/Manifest")
@runs.arguments(ManifestsQuery, location="query")
def manifests(query: Query) -> Response:
    """Runs, newest first, as summaries; with `hashes` the whole manifests of these."""
    if query["hashes"]:
        return shown(batch([hash for hash in query["hashes"].split(",") if hash]))
    rows = questions.runs(hub_id(), query["limit"] + 1, query["after"], query["status"], query["operation"])
    busy: dict[str, dict[str, Any]] = {}
    waiting = [row["run_hash"] for row in rows if row["waiting"]]
    for node in questions.busy_nodes(waiting) if waiting else ():
        busy.setdefault(node["run_hash"], {})[node["node_hash"]] = waiting_record(node)

    def record(row: Any) -> dict[str, Any]:
        told = {**summary_record(row), "StagingPath": staging_of(row["run_hash"])}
        return told | {"WaitingTasks": busy[row["run_hash"]]} if row["run_hash"] in busy else told

    return page_of(rows, query["limit"], lambda row: row["ticket"], record)


def batch(hashes: list[str]) -> dict[str, Any]:
    """Whole manifests, and hashes of which nothing is known."""
    if len(hashes) > MOST_MANIFESTS:
        refuse("bad_request", f"At most {MOST_MANIFESTS} hashes at once.")
    rows = {row["run_hash"]: row for row in questions.runs_of(hub_id(), hashes)}
    events, nodes = questions.events_of_many(list(rows)), questions.nodes_of(list(rows))
    types = questions.task_types(hub_id(), settings().run_local_shell)
    made = [
        manifest_record(row, [node for node in nodes if node["run_hash"] == hash], events.get(hash, []), types, staging_of(hash), {})
        for hash, row in rows.items()
    ]
    return {"Manifests": made, "NotFound": [hash for hash in hashes if hash not in rows]}


def staging_of(run_hash: str) -> str:
    return f"{settings().data}/staging/{run_hash}"


@runs.route("/Manifest/<run_hash>")
@runs.arguments(ManifestQuery, location="query")
def manifest(query: Query, run_hash: str) -> dict[str, Any]:
    """A run, whole: what it was given, what each node brought, and when."""
    return manifest_of(run_hash, query["inline"] == "outputs")


def manifest_of(run_hash: str, inline: bool = False) -> dict[str, Any]:
    """The manifest. Refuses a hash that nobody knows."""
    row = run_row(run_hash)
    types = questions.task_types(hub_id(), settings().run_local_shell)
    nodes = questions.nodes_of([run_hash])
    return manifest_record(row, nodes, questions.events_of(run_hash), types, staging_of(run_hash), outputs.whole(nodes) if inline else {})


def run_row(run_hash: str) -> Any:
    row = questions.run_by_hash(hub_id(), run_hash)
    if row is None:
        refuse("not_found", f"There is no run {run_hash}.")
    return row


@runs.route("/Manifest/<run_hash>/Events")
@runs.arguments(HistoryQuery, location="query")
def history(query: Query, run_hash: str) -> dict[str, Any]:
    """A run's history, in order and without gaps."""
    rows = questions.events_of(run_hash, query["limit"], query["after"])
    if not rows:
        run_row(run_hash)
    return {"RunHash": run_hash, "Events": [event_record(row) for row in rows]}


@runs.route("/PendingInput")
@runs.arguments(ListQuery, location="query")
def pending(query: Query) -> Response:
    """Runs that wait for somebody's word, the oldest first."""
    rows = questions.asking(hub_id(), query["limit"] + 1, query["after"])
    nodes: dict[str, dict[str, Any]] = {}
    for node in questions.busy_nodes([row["run_hash"] for row in rows]) if rows else ():
        if node["waiting"]:
            nodes.setdefault(node["run_hash"], {})[node["node_hash"]] = waiting_record(node)

    def record(row: Any) -> dict[str, Any]:
        told = {name: value for name, value in summary_record(row).items() if name in ("OperationHash", "OperationName", "StartTime")}
        return {"RunHash": row["run_hash"], **told, "WaitingTasks": nodes.get(row["run_hash"], {})}

    return page_of(rows, query["limit"], lambda row: row["ticket"], record)
