"""What submitters order: runs, items, and what becomes of them."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.answers import Blueprint, carry_out, refuse
from app.hub import bucket
from app.hub.here import hub_id
from app.sealing import discreet
from schema.hub import forms
from schema.hub.board_commands import PrioritizeWork
from schema.hub.commands import CancelWork, EndRun, EnqueueWork, ReorderWork, RequeueMany, RequeueWork, StartRun

submitting = Blueprint("hub_submitting", __name__, description="Runs and items: what submitters order.")

Body = dict[str, Any]


@submitting.route("/Beacon/Run/Start", methods=["POST"])
@submitting.arguments(forms.RunStartWire)
def start_run(body: Body) -> Response:
    """Open a run. The same IdempotencyKey (or header X-Idempotency-Key, which wins) is the same run for ever."""
    key = request.headers.get("X-Idempotency-Key") or body["IdempotencyKey"]
    if key is not None and not (len(key) <= 255 and key.isprintable()):
        refuse("bad_request", "X-Idempotency-Key must be 1 to 255 printable characters.")
    return carry_out(StartRun(hub=hub_id(), idempotency_key=key, submitter_tag=body["SubmitterTag"], metadata=body["Metadata"]))


@submitting.route("/Beacon/Run/<run_id>/End", methods=["POST"])
@submitting.arguments(forms.RunEndWire)
def end_run(body: Body, run_id: str) -> Response:
    """Close a run: nothing is enqueued into it any more."""
    return carry_out(EndRun(hub=hub_id(), run_id=run_id, state=body["State"]))


@submitting.route("/Beacon/Work/Enqueue", methods=["POST"])
@submitting.arguments(forms.EnqueueWire)
@submitting.alt_response(429, response="DEFAULT_ERROR")
def enqueue(body: Body) -> Response:
    """Store a work item for whichever beacon can do it."""
    bucket.admit()
    return carry_out(EnqueueWork(hub=hub_id(), limits=bucket.limits(), **item_of(body)))


def item_of(body: Body) -> Body:
    """The fields of an item, from its form. The original keeps the policy among the caller's settings; what the form says wins."""
    settings = discreet(body["Capability"], body["Action"], body["Settings"])
    not_before = body["NotBefore"]
    return {
        "capability": body["Capability"],
        "action": body["Action"],
        "settings": settings,
        "run_id": body["RunID"],
        "run_hash": body["RunHash"],
        "node_hash": body["NodeHash"],
        "operation_hash": body["OperationHash"],
        "affinity_key": body["AffinityKey"],
        "require_affinity_match": body["RequireAffinityMatch"],
        "timeout_ms": body["TimeoutMs"],
        "priority": _said(body["Priority"], settings, "priority", -(2**31) + 1),
        "max_attempts": _said(body["MaxAttempts"], settings, "maxRetries", 1),
        "retry_backoff_ms": _said(body["RetryBackoffMs"], settings, "retryBackoffMs", 0),
        "concurrency_key": body["ConcurrencyKey"],
        "concurrency_limit": body["ConcurrencyLimit"],
        "unique_key": body["UniqueKey"],
        "unique_window_ms": body["UniqueWindowMs"],
        "not_before": None if not_before is None else not_before.isoformat(),
        "delay_ms": body["DelayMs"],
        "submitter_tag": body["SubmitterTag"],
        "metadata": body["Metadata"],
    }


def _said(given: int | None, settings: Body, name: str, least: int) -> int | None:
    """What is no whole number among the settings is not meant for us."""
    if given is not None:
        return given
    value: Any = settings.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    return max(least, int(value)) if whole else None


@submitting.route("/Beacon/Work/<work_item_hash>/Cancel", methods=["POST"])
@submitting.arguments(forms.CancelWire)
def cancel(body: Body, work_item_hash: str) -> Response:
    """End an item before its time. One that waits ends at once; the holder of one at work is told, and the item ends with its next word."""
    return carry_out(CancelWork(hub=hub_id(), work_item_hash=work_item_hash, reason=body["Reason"], grace_ms=body["GraceMs"]))


@submitting.route("/Beacon/Work/<work_item_hash>/Reorder", methods=["POST"])
@submitting.arguments(forms.ReorderWire)
def reorder(body: Body, work_item_hash: str) -> Response:
    """Move a waiting item past its neighbour."""
    return carry_out(ReorderWork(hub=hub_id(), work_item_hash=work_item_hash, direction=body["Direction"]))


@submitting.route("/Beacon/Work/<work_item_hash>/Priority", methods=["POST"])
@submitting.arguments(forms.PriorityWire)
def prioritize(body: Body, work_item_hash: str) -> Response:
    """Give a waiting item another priority."""
    return carry_out(PrioritizeWork(hub=hub_id(), work_item_hash=work_item_hash, priority=body["Priority"]))


@submitting.route("/Beacon/Work/<work_item_hash>/Requeue", methods=["POST"])
@submitting.arguments(forms.RequeueWire)
def requeue(body: Body, work_item_hash: str) -> Response:
    """Give a failed or canceled item a new budget of tries, with other settings if they are given. Its history stays."""
    return carry_out(RequeueWork(hub=hub_id(), work_item_hash=work_item_hash, settings=body["Settings"], priority=body["Priority"]))


@submitting.route("/Beacon/Work/Requeue", methods=["POST"])
@submitting.arguments(forms.RequeueManyWire)
def requeue_many(body: Body) -> Response:
    """The same for many: those of Hashes, else the oldest of Status."""
    chosen = {"status": body["Status"], "capability": body["Capability"], "hashes": body["Hashes"], "limit": body["Limit"]}
    return carry_out(RequeueMany(hub=hub_id(), **chosen))
