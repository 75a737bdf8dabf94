"""Dispatch: enqueue an item and answer with its outcome. The item is stored before anybody waits, so nothing that dies here loses it."""

from __future__ import annotations

from time import monotonic
from typing import Any

import orjson
from flask import Response

from app.answers import Blueprint, failure, outcome_of, reply, shown
from app.asking import idempotency_key
from app.dispatch import dispatcher
from app.hub import bucket, questions
from app.hub.here import hub_id
from app.sealing import discreet
from schema import envelope as keys
from schema.hub import forms
from schema.hub.commands import EnqueueWork
from schema.hub.rules.lifecycle import FINAL
from schema.outcome import Refused

blocking = Blueprint("hub_blocking", __name__, description="Work whose end is waited for.")

Body = dict[str, Any]

#: Seconds between two looks at the row, for an end that the broker has not told: it was emptied, or told it to another who waits.
LOOK_SECONDS = 2.0


@blocking.route("/Beacon/Work/Dispatch", methods=["POST"])
@blocking.arguments(forms.DispatchWire)
@blocking.alt_response(429, response="DEFAULT_ERROR")
@blocking.alt_response(504, response="DEFAULT_ERROR")
def dispatch(body: Body) -> Response:
    """Store a work item and wait for its end. Repeated with the same Idempotency-Key it waits for the same item again."""
    bucket.admit()
    outcome = outcome_of(EnqueueWork(hub=hub_id(), awaited=True, limits=bucket.limits(), **waited_for(body)))
    if isinstance(outcome, Refused):
        return reply(outcome)
    hash = outcome.value["WorkItemHash"]
    told = _ended(hash, body["TimeoutMs"] / 1000, look_first=idempotency_key() is not None)
    return _shown(hash, told) if told else failure("wait_over", Success=False, WorkItemHash=hash)


def waited_for(body: Body) -> Body:
    """The fields of an item whose end is waited for, from its form."""
    return {
        "capability": body["Capability"],
        "action": body["Action"],
        "settings": discreet(body["Capability"], body["Action"], body["Settings"]),
        "run_id": body["RunID"],
        "affinity_key": body["AffinityKey"],
        "require_affinity_match": body["RequireAffinityMatch"],
        "timeout_ms": body["TimeoutMs"],
        "priority": body["Priority"],
        "submitter_tag": body["SubmitterTag"],
        "metadata": body["Metadata"],
    }


def _ended(hash: str, seconds: float, look_first: bool) -> Body | None:
    """How the item has ended, None when it has not within the time."""
    deadline = monotonic() + seconds
    while True:
        if look_first and (told := told_by_row(hash)):
            return told
        left = deadline - monotonic()
        if left <= 0:
            return None
        popped = dispatcher().wait_at(keys.ended(hash), min(left, LOOK_SECONDS))
        if popped is not None:
            said: Body = orjson.loads(popped)
            return said
        look_first = True


def told_by_row(hash: str) -> Body | None:
    """How the item has ended by its row, None while it has not."""
    row = questions.item_by_hash(hub_id(), hash)
    if row is None or row["status"] not in FINAL:
        return None
    return {"Status": row["status"], "Result": row["result"], "LastError": row["last_error"], "CancelReason": row["cancel_reason"]}


def _shown(hash: str, told: Body) -> Response:
    if told["Status"] == "Complete":
        return shown({"Success": True, "WorkItemHash": hash, **told["Result"]})
    return failure("work_failed", reason_of(told), Success=False, WorkItemHash=hash, Status=told["Status"])


def reason_of(told: Body) -> str:
    """Why an item has ended otherwise than complete."""
    why = f"canceled: {told['CancelReason']}" if told["Status"] == "Canceled" else told["LastError"]
    return str(why or told["Status"])
