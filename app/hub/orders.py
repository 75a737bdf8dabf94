"""What changes the hub: shape checked here, carried out by a worker, answered from the committed outcome."""

from __future__ import annotations

from typing import Any

from flask import Response

from app import who
from app.answers import Blueprint, carry_out
from app.hub import streams
from app.hub.here import hub_id
from schema.hub.commands import CompleteWork, DeregisterBeacon, FailWork, ProgressWork, RegisterBeacon
from schema.hub.forms import CompleteWire, FailWire, ProgressWire, RegisterWire
from schema.hub.rules.presence import presence_ms

hub_orders = Blueprint("hub_orders", __name__, description="Beacons and work: what changes them.")

Body = dict[str, Any]


@hub_orders.route("/Beacon/Register", methods=["POST"])
@hub_orders.arguments(RegisterWire)
def register(body: Body) -> Response:
    """Register a beacon, or renew its registration. A name keeps its BeaconID."""
    in_hand = body["WorkItems"]
    response = carry_out(
        RegisterBeacon(
            hub=hub_id(),
            beacon_name=body["Name"],
            capabilities=body["Capabilities"],
            action_schemas=body["ActionSchemas"],
            max_concurrent=body["MaxConcurrent"],
            tags=body["Tags"],
            contexts=body["Contexts"],
            bind_addresses=body["BindAddresses"],
            shared_mounts=body["SharedMounts"],
            host_id=body["HostID"],
            session_id=who.session(),
            presence_ms=presence_ms(body["HeartbeatIntervalMs"]),
            in_hand=None if in_hand is None else [(item["WorkItemHash"], item["AttemptNumber"]) for item in in_hand],
            owner=who.owner(),
            operations=body["Operations"] or None,
        )
    )
    if response.status_code == 200:
        who.registered(response.get_json()["BeaconID"])
    return response


@hub_orders.route("/Beacon/<beacon_id>", methods=["DELETE"])
def deregister(beacon_id: str) -> Response:
    """Let a beacon go; what it held goes back to the queue."""
    who.own(beacon_id, operators=True)
    return carry_out(DeregisterBeacon(hub=hub_id(), beacon_id=beacon_id))


@hub_orders.route("/Beacon/Work/<work_item_hash>/Complete", methods=["POST"])
@hub_orders.arguments(CompleteWire)
def complete(body: Body, work_item_hash: str) -> Response:
    """The holder has done the item."""
    return carry_out(CompleteWork(**_report(body, work_item_hash), outputs=body["Outputs"], log=body["Log"]))


@hub_orders.route("/Beacon/Work/<work_item_hash>/Error", methods=["POST"])
@hub_orders.arguments(FailWire)
def fail(body: Body, work_item_hash: str) -> Response:
    """The holder has failed at the item."""
    return carry_out(FailWork(**_report(body, work_item_hash), error=body["ErrorMessage"], log=body["Log"]))


@hub_orders.route("/Beacon/Work/<work_item_hash>/Progress", methods=["POST"])
@hub_orders.arguments(ProgressWire)
def progress(body: Body, work_item_hash: str) -> Response:
    """The holder tells how far it is."""
    return carry_out(
        ProgressWork(
            **_report(body, work_item_hash),
            percent=body["Percent"],
            message=body["Message"] or "",
            step=body["Step"],
            total_steps=body["TotalSteps"],
            log=body["Log"],
            binary=streams.with_room(work_item_hash, body["BinaryData"]),
        )
    )


def _report(body: Body, work_item_hash: str) -> Body:
    return {"hub": hub_id(), "work_item_hash": work_item_hash, "beacon_id": who.holder(body["BeaconID"]), "attempt": body["AttemptNumber"]}
