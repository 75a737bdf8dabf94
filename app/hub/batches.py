"""Many at once. Each row is judged by itself: what is wrong with one is told by its place, and the others are carried out together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import marshmallow as ma
from flask import Response

from app import who
from app.answers import Blueprint, carry_out, shown
from app.hub import bucket
from app.hub.here import hub_id
from app.hub.submitting import item_of
from schema.base import Command
from schema.hub import forms
from schema.hub.board_commands import CancelBatch, PrioritizeBatch, RequeueBatch
from schema.hub.commands import CompleteBatch, EnqueueBatch, ProgressBatch
from schema.wire import Wire

batches = Blueprint("hub_batches", __name__, description="Many items, or many reports, in one request and one transaction.")

Body = dict[str, Any]

_ENQUEUE, _COMPLETE, _PROGRESS = forms.EnqueueWire(), forms.CompleteRowWire(), forms.ProgressRowWire()


@batches.route("/Beacon/Work/Enqueue/Batch", methods=["POST"])
@batches.arguments(forms.EnqueueBatchWire)
@batches.alt_response(429, response="DEFAULT_ERROR")
def enqueue_batch(body: Body) -> Response:
    """Store many items. Rows that name no run share one."""
    bucket.admit(len(body["Items"]))
    run = {"run_id": body["RunID"], "submitter_tag": body["SubmitterTag"], "limits": bucket.limits()}
    return _carried_out(body["Items"], _ENQUEUE, item_of, lambda rows: EnqueueBatch(hub=hub_id(), items=rows, **run))


@batches.route("/Beacon/Work/Complete/Batch", methods=["POST"])
@batches.arguments(forms.CompleteBatchWire)
def complete_batch(body: Body) -> Response:
    """Many items are done."""
    rows = body.get("Items") or body["Completions"]
    return _carried_out(rows, _COMPLETE, _completed, lambda rows: CompleteBatch(hub=hub_id(), items=rows))


@batches.route("/Beacon/Work/Progress/Batch", methods=["POST"])
@batches.arguments(forms.ProgressBatchWire)
def progress_batch(body: Body) -> Response:
    """Many items go on."""
    rows = body.get("Items") or body["Progress"]
    return _carried_out(rows, _PROGRESS, _progressed, lambda rows: ProgressBatch(hub=hub_id(), items=rows))


@batches.route("/Beacon/Work/Cancel/Batch", methods=["POST"])
@batches.arguments(forms.CancelBatchWire)
def cancel_batch(body: Body) -> Response:
    """Cancel many items, with the outcome of each."""
    return carry_out(CancelBatch(hub=hub_id(), hashes=body["Hashes"], reason=body["Reason"], grace_ms=body["GraceMs"]))


@batches.route("/Beacon/Work/Priority/Batch", methods=["POST"])
@batches.arguments(forms.PriorityBatchWire)
def prioritize_batch(body: Body) -> Response:
    """Give many waiting items one priority, with the outcome of each."""
    return carry_out(PrioritizeBatch(hub=hub_id(), hashes=body["Hashes"], priority=body["Priority"]))


@batches.route("/Beacon/Work/Requeue/Batch", methods=["POST"])
@batches.arguments(forms.ManyWire)
def requeue_batch(body: Body) -> Response:
    """Give many failed or canceled items another chance, with the outcome of each."""
    return carry_out(RequeueBatch(hub=hub_id(), hashes=body["Hashes"]))


def _reported(row: Body) -> Body:
    return {"work_item_hash": row["WorkItemHash"], "beacon_id": who.holder(row["BeaconID"]), "attempt": row["AttemptNumber"], "log": row["Log"]}


def _completed(row: Body) -> Body:
    return _reported(row) | {"outputs": row["Outputs"]}


def _progressed(row: Body) -> Body:
    told = {"percent": row["Percent"], "message": row["Message"] or "", "step": row["Step"], "total_steps": row["TotalSteps"]}
    return _reported(row) | told | {"binary": row["BinaryData"] or ""}


def _carried_out(rows: Sequence[Any], form: Wire, made: Callable[[Body], Body], command: Callable[[list[Body]], Command]) -> Response:
    """The batch without the rows whose shape is wrong, which are told beside those that the verb refuses."""
    good, bad = [], []
    for index, row in enumerate(rows):
        try:
            good.append(made(form.load(row)) | {"index": index})
        except ma.ValidationError as error:
            named = {"WorkItemHash": row["WorkItemHash"]} if isinstance(row, dict) and isinstance(row.get("WorkItemHash"), str) else {}
            bad.append({"Index": index, **named, "Error": "The row has wrong or unknown fields.", "Code": "invalid", "Fields": error.messages})
    if not good:
        return shown({"Items": [], "Errors": bad})
    response = carry_out(command(good))
    if bad and response.status_code == 200:
        answer = response.get_json()
        answer["Errors"] = sorted(answer["Errors"] + bad, key=lambda error: error["Index"])
        return shown(answer)
    return response
