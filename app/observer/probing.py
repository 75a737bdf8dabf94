"""Have beacons tried where they say that they listen, and answer when that is over. The trying itself is a worker's."""

from __future__ import annotations

from queue import Empty
from time import monotonic
from typing import Any

from flask import Response, current_app

from app.answers import Blueprint, outcome_of, reply, shown
from app.hub.here import hub_id
from app.observer import reach
from app.tail import Tail
from schema.hub.forms import ProbeWire
from schema.hub.probe_commands import ProbeBeacons
from schema.outcome import Refused

probing = Blueprint("observer_probing", __name__, description="Reachability: beacons are tried.")

#: Seconds between two looks, for a result of which nobody has told.
LOOK_SECONDS = 1.0


@probing.route("/Beacon/Reachability/Probe", methods=["POST"])
@probing.arguments(ProbeWire)
def probe(body: dict[str, Any]) -> Response:
    """Try now to reach beacons where they say that they listen, and tell the matrix when that is over."""
    outcome = outcome_of(ProbeBeacons(hub=hub_id(), beacon_ids=body["BeaconIDs"]))
    if isinstance(outcome, Refused):
        return reply(outcome)
    asked = outcome.value["Asked"]
    _wait(asked, body["waitMs"] / 1000)
    return shown({**reach.matrix(), "Asked": asked})


def _wait(asked: list[str], seconds: float) -> None:
    """Until the tries are over, or the time is. The events only say when to look; where nobody may listen to them, we look by the clock."""
    if not seconds or reach.settled(asked):
        return
    tail: Tail = current_app.extensions["tail"]
    deadline = monotonic() + seconds
    watcher = tail.join(("beacon",), None)
    if watcher is None:
        return
    try:
        while (left := deadline - monotonic()) > 0 and not reach.settled(asked):
            try:
                if watcher.queue.get(timeout=min(left, LOOK_SECONDS)) is None:
                    return  # the process is about to end
            except Empty:
                continue
    finally:
        tail.leave(watcher)
