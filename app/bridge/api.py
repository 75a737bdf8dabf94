"""A hub's persistence: how it stands, whether both sides are equal, and who decides about it."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out, reply
from app.bridge import questions
from app.hub.here import hub_id
from schema.bridge.commands import Assign, Clear, SetRetention, SweepTarget, Verify
from schema.bridge.forms import AssignWire, RetentionWire, SweepWire
from schema.bridge.wire import event_record

bridge = Blueprint("bridge", __name__, description="The hub's rows in a database of the operator's choice.")

Body = dict[str, Any]


@bridge.route("/Ultravisor/Persistence/Assign", methods=["POST"])
@bridge.arguments(AssignWire)
def assign(body: Body) -> Response:
    """Keep every item, event, attempt and run as rows in the database of this connection from now on; what there is already is copied."""
    if body["BeaconID"] is None:
        return carry_out(Clear(hub=hub_id()))
    return carry_out(Assign(hub=hub_id(), connection=body["IDBeaconConnection"], beacon=body["BeaconID"]))


@bridge.route("/Ultravisor/Persistence/Status")
def status() -> dict[str, Any]:
    """State, rows and seconds of lag, rows by table, and who else uses the database."""
    return questions.persistence(hub_id())


@bridge.route("/Ultravisor/Persistence/Events")
def events() -> dict[str, Any]:
    """The newest moves from one state to another, with who and why."""
    return {"Events": [event_record(row) for row in questions.events(hub_id())]}


@bridge.route("/Ultravisor/Persistence/Verify")
@bridge.alt_response(409, response="DEFAULT_ERROR")
def verify() -> Response:
    """Counts and checksums of each table on both sides, computed by the databeacon; and the first keys that differ."""
    connection = _connection()
    if not connection:
        return reply(questions.NOWHERE)
    return carry_out(Verify(hub=hub_id(), connection=connection))


@bridge.route("/Ultravisor/Persistence/Retention", methods=["PUT"])
@bridge.arguments(RetentionWire)
def set_retention(body: Body) -> Response:
    """Say how long ended items are kept there. The hub itself keeps its own."""
    return carry_out(
        SetRetention(
            hub=hub_id(),
            retention_days=body["RetentionDays"],
            cancelled_retention_days=body["CancelledRetentionDays"],
            legal_hold=body["LegalHold"],
        )
    )


@bridge.route("/Ultravisor/Persistence/Retention/Sweep", methods=["POST"])
@bridge.arguments(SweepWire, required=False)
def sweep(body: Body) -> Response:
    """Delete there what has been kept long enough, or, unless told otherwise, only count it."""
    connection = _connection()
    if not connection:
        return reply(questions.NOWHERE)
    return carry_out(SweepTarget(hub=hub_id(), connection=connection, dry=body["DryRun"]))


def _connection() -> int:
    row = questions.standing(hub_id())
    return int(row["connection_id"]) if row else 0
