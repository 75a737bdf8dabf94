"""Poll and Heartbeat: unsafe methods that change no row. The beacon is looked up, its contact noted, its inbox emptied."""

from __future__ import annotations

from typing import Any

from flask import request

from app import who
from app.answers import Blueprint, refuse
from app.broker import broker
from app.hub import contact, questions
from app.hub.api import records_of
from app.hub.here import hub_id
from schema.hub.forms import HeartbeatWire, PollWire

polling = Blueprint("hub_polling", __name__, description="A beacon's contact with the hub.")


@polling.route("/Beacon/Work/Poll", methods=["POST"])
@polling.arguments(PollWire)
def poll(body: dict[str, Any]) -> dict[str, Any]:
    """One item for the beacon, null when there is none within `waitMs`. Counts as a sign of life."""
    id = body["BeaconID"]
    _known(id)
    contact.touch(broker().quick, hub_id(), id)
    while True:
        item = contact.next_item(broker(), hub_id(), id, body["waitMs"])
        if item is not None and contact.line_is_cut(request.environ.get("gunicorn.socket")):
            # The beacon was killed while it waited here; its next life waits for this very item.
            contact.put_back(broker().quick, hub_id(), id, item)
            return {"WorkItem": None}
        if item is None or questions.is_held(hub_id(), id, item["WorkItemHash"], item["AttemptNumber"]):
            return {"WorkItem": item}


@polling.route("/Beacon/<beacon_id>/Heartbeat", methods=["POST"])
@polling.arguments(HeartbeatWire)
def heartbeat(body: dict[str, Any], beacon_id: str) -> dict[str, Any]:
    """A sign of life. With WorkItems, the hub offers again what the beacon should hold and does not name. CancelWorkItems names what to let go of."""
    row = _known(beacon_id)
    said = body["WorkItems"]
    hand = None if said is None else [(item["WorkItemHash"], item["AttemptNumber"]) for item in said]
    contact.touch(broker().quick, hub_id(), beacon_id, hand)
    return records_of([row])[0] | {"CancelWorkItems": contact.cancels(broker().quick, hub_id(), beacon_id, hand)}


def _known(beacon_id: str) -> Any:
    """The beacon's row. A stranger is answered 401: the one answer that makes every client register again."""
    who.own(beacon_id)
    row = questions.beacon_by_id(hub_id(), beacon_id)
    if row is None:
        refuse("unauthenticated", f"There is no beacon {beacon_id}; register again.")
    return row
