"""Begin runs: at once, many, or with the end waited for. A run is stored before anybody waits, so nothing that dies here loses it."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import marshmallow as ma
from flask import Response, request, send_file

from app.answers import Blueprint, carry_out, failure, outcome_of, refuse, reply, shown
from app.asking import idempotency_key
from app.dispatch import dispatcher
from app.hub import bucket
from app.hub.here import hub_id
from app.runs import questions
from app.runs.api import batch, manifest_of, settings
from app.runs.minting import run_hash_for
from app.runs.pages import ExecuteQuery
from app.who import actor
from schema import envelope as keys
from schema.outcome import Refused
from schema.runs import commands, forms, ids
from schema.runs.rules.run import FINAL

starting = Blueprint("runs_starting", __name__, description="Begin runs.")

Body = dict[str, Any]

#: Seconds between two looks at the row, for an end that the broker has not told.
LOOK_SECONDS = 2.0
#: The longest that GET /Operation/<hash>/Execute waits, in seconds.
LONGEST_SECONDS = 600.0

_ROW = forms.BatchRowWire()


def _start(operation_hash: str, body: Body, **more: Any) -> commands.StartOperation:
    known: Body = {"hub": hub_id(), "run_hash": run_hash_for(operation_hash), "operation_hash": operation_hash}
    return commands.StartOperation(**known, mode=body["RunMode"], parameters=body.get("Parameters") or {}, **more)


@starting.route("/Operation/<operation_hash>/Execute")
@starting.arguments(ExecuteQuery, location="query")
def execute(query: Body, operation_hash: str) -> Response:
    """Run an operation, and answer when it has ended or waits for somebody. The original's clients GET what changes something."""
    # A page of another origin can have a browser GET anything: what a browser says of that is heeded here as it is for unsafe methods.
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        refuse("cross_origin")
    outcome = outcome_of(_start(operation_hash, query, awaited=True))
    if isinstance(outcome, Refused):
        return reply(outcome)
    hash = outcome.value["RunHash"]
    _ended(hash, LONGEST_SECONDS, outcome.value["Status"], pauses=True)
    return shown(manifest_of(hash))


@starting.route("/Operation/<operation_hash>/Execute/Async", methods=["POST"])
@starting.arguments(forms.ModeWire)
def execute_async(body: Body, operation_hash: str) -> Response:
    """Begin a run and answer at once."""
    bucket.admit()
    return carry_out(_start(operation_hash, body, limits=bucket.limits()))


@starting.route("/Operation/Execute/Batch", methods=["POST"])
@starting.arguments(forms.BatchWire)
def execute_batch(body: Body) -> Response:
    """Begin many runs. What cannot be begun is told by its row, and stops nobody."""
    rows = body["Operations"]
    bucket.admit(len(rows))
    items, errors = [], []
    for index, row in enumerate(rows):
        try:
            item = _ROW.load(row)
            operation = item.get("Hash") or item.get("OperationHash")
            if not operation:
                raise ma.ValidationError("Hash or OperationHash is needed.")
        except ma.ValidationError as error:
            errors.append({"Index": index, "Error": str(error.messages), "Code": "invalid"})
            continue
        items.append({"index": index, "run_hash": _hash_of(operation, index), "operation_hash": operation} | _seed(item))
    outcome = outcome_of(commands.StartBatch(hub=hub_id(), items=items, limits=bucket.limits()))
    if isinstance(outcome, Refused):
        return reply(outcome)
    return shown({**outcome.value, "Errors": sorted([*errors, *outcome.value["Errors"]], key=lambda error: error["Index"])})


def _seed(item: Body) -> Body:
    return {"mode": item["RunMode"], "parameters": item["Settings"]}


def _hash_of(operation: str, index: int) -> str:
    """Each row's own: with a key the n-th row of the same request is the same run."""
    key = idempotency_key()
    return run_hash_for(operation) if key is None else ids.run_hash_for(operation, str(actor()), f"{key}/{index}")


@starting.route("/Operation/<operation_hash>/Trigger", methods=["POST"])
@starting.arguments(forms.TriggerWire)
def trigger(body: Body, operation_hash: str) -> Response:
    """Run an operation and answer with its result: the bytes of a file where a node has sent one, else what it brought."""
    outcome = outcome_of(_start(operation_hash, body, awaited=not body["Async"]))
    if isinstance(outcome, Refused) or body["Async"]:
        return reply(outcome)
    hash = outcome.value["RunHash"]
    status = _ended(hash, body["TimeoutMs"] / 1000, outcome.value["Status"])
    if status is None:
        return failure("wait_over", f"The run {hash} has not ended within TimeoutMs. It goes on.", Success=False, RunHash=hash)
    manifest = manifest_of(hash, inline=True)
    file = _file(manifest) if status == "Complete" else None
    if file is not None:
        response = send_file(file, mimetype="application/octet-stream", download_name=file.name, as_attachment=True)
        response.headers.update({"X-Run-Hash": hash, "X-Status": status, "X-Elapsed-Ms": str(manifest["ElapsedMs"])})
        return response
    told = {name: manifest[name] for name in ("Status", "OperationState", "TaskOutputs", "Output", "Errors", "Log", "ElapsedMs")}
    return shown({"Success": status == "Complete", "RunHash": hash, **told})


def _file(manifest: Body) -> Path | None:
    """The file that a node has sent, if it is one of the run's own folder."""
    folder = (Path(settings().data) / "staging" / manifest["Hash"]).resolve()
    for outputs in manifest["TaskOutputs"].values():
        sent = outputs.get("StagingFilePath")
        if isinstance(sent, str) and (path := Path(sent).resolve()).is_relative_to(folder) and path.is_file():
            return path
    return None


def _ended(hash: str, seconds: float, status: str, pauses: bool = False) -> str | None:
    """The state in which the run has ended, None when it has not within the time. With `pauses` waiting for somebody counts as an end."""
    enough = (*FINAL, "Waiting") if pauses else FINAL
    deadline = monotonic() + seconds
    while status not in enough:
        left = deadline - monotonic()
        if left <= 0:
            return None
        dispatcher().wait_at(keys.ended(hash), min(left, LOOK_SECONDS))
        row = questions.run_by_hash(hub_id(), hash)
        status = status if row is None else row["status"]
    return status


@starting.route("/Manifest/Batch", methods=["POST"])
@starting.arguments(forms.HashesWire)
def manifest_batch(body: Body) -> Response:
    """Whole manifests of some runs. It changes nothing; the list is only too long for an address."""
    return shown(batch(body["Hashes"]))
