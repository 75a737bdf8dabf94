"""What beacons and watchers may say on a socket: shapes only, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from marshmallow import EXCLUDE, fields

from app.asking import parsed
from schema.base import Command
from schema.errors import CODES
from schema.hub.commands import CompleteWork, DeregisterBeacon, FailWork, ProgressWork, RegisterBeacon
from schema.hub.forms import CompleteWire, FailWire, HeartbeatWire, ProgressWire, RegisterWire
from schema.hub.rules.presence import presence_ms
from schema.wire import NAME, SHORT, FreeObject, Wire

Frame = dict[str, Any]


class BadFrame(Exception):
    """The frame is declined; nothing of it is kept."""

    def __init__(self, code: str, text: str | None = None, **details: Any) -> None:
        super().__init__(text or CODES[code][1])
        self.code, self.text, self.details = code, text or CODES[code][1], details


class AboutItemWire(Wire):
    """A frame about one item."""

    class Meta:
        unknown = EXCLUDE

    WorkItemHash = fields.String(required=True, validate=NAME)


class ProgressFrameWire(AboutItemWire):
    """Progress, which lies in an object of its own."""

    ProgressData = FreeObject(load_default=dict, allow_none=True)


class SubscribeWire(Wire):
    """Whoever watches, and the last event that it has seen."""

    class Meta:
        unknown = EXCLUDE

    LastEventGUID = fields.String(load_default=None, allow_none=True, validate=SHORT)
    RunHash = fields.String(load_default="", validate=SHORT)


_FORMS: dict[type[ma.Schema], ma.Schema] = {}


def read(text: bytes, most_nested: int) -> Frame:
    """The object in a text message. Raises BadFrame."""
    try:
        value = parsed(text, most_nested)
    except ValueError as error:
        raise BadFrame("bad_json", f"The frame cannot be taken: {error}.") from None
    if not isinstance(value, dict) or not isinstance(value.get("Action"), str):
        raise BadFrame("bad_request", "A frame must be a JSON object with an Action.")
    return value


def judged(form: type[ma.Schema], frame: Frame) -> Frame:
    """The frame in the form's shape; what the form does not know is left out. Raises BadFrame."""
    made = _FORMS.get(form)
    if made is None:
        made = _FORMS[form] = form(unknown=EXCLUDE)
    try:
        loaded: Frame = made.load(frame)
    except ma.ValidationError as error:
        raise BadFrame("invalid", "The frame has wrong fields.", Fields=error.normalized_messages()) from None  # type: ignore[no-untyped-call]  # marshmallow left it so
    return loaded


def registration(frame: Frame, hub: str, session: str | None, owner: str | None) -> RegisterBeacon:
    """Raises BadFrame."""
    body = judged(RegisterWire, frame)
    in_hand = body["WorkItems"]
    return RegisterBeacon(
        hub=hub,
        beacon_name=body["Name"],
        capabilities=body["Capabilities"],
        action_schemas=body["ActionSchemas"],
        max_concurrent=body["MaxConcurrent"],
        tags=body["Tags"],
        contexts=body["Contexts"],
        bind_addresses=body["BindAddresses"],
        shared_mounts=body["SharedMounts"],
        host_id=body["HostID"],
        session_id=session,
        presence_ms=presence_ms(body["HeartbeatIntervalMs"]),
        in_hand=None if in_hand is None else [(item["WorkItemHash"], item["AttemptNumber"]) for item in in_hand],
        owner=owner,
        operations=body["Operations"] or None,
    )


def deregistration(hub: str, beacon_id: str) -> Command:
    return DeregisterBeacon(hub=hub, beacon_id=beacon_id)


def hand(frame: Frame) -> list[tuple[str, int]] | None:
    """What a heartbeat says that the beacon works on. Raises BadFrame."""
    said = judged(HeartbeatWire, frame)["WorkItems"]
    return None if said is None else [(item["WorkItemHash"], item["AttemptNumber"]) for item in said]


def report(frame: Frame, hub: str, beacon_id: str, attempt_of: Callable[[str], int | None]) -> Command:
    """The command that a report is. The holder is who speaks, whatever the frame says. Raises BadFrame."""
    hash = judged(AboutItemWire, frame)["WorkItemHash"]
    if frame["Action"] == "WorkProgress":
        data = judged(ProgressFrameWire, frame)["ProgressData"] or {}
        body = judged(ProgressWire, {**data, "AttemptNumber": frame.get("AttemptNumber")})
    else:
        body = judged(CompleteWire if frame["Action"] == "WorkComplete" else FailWire, frame)
    attempt = body["AttemptNumber"] if body["AttemptNumber"] is not None else attempt_of(hash)
    fence = {"hub": hub, "work_item_hash": hash, "beacon_id": beacon_id, "attempt": attempt}
    if frame["Action"] == "WorkComplete":
        return CompleteWork(**fence, outputs=body["Outputs"], log=body["Log"])
    if frame["Action"] == "WorkError":
        return FailWork(**fence, error=body["ErrorMessage"], log=body["Log"])
    numbers = {"percent": body["Percent"], "step": body["Step"], "total_steps": body["TotalSteps"]}
    return ProgressWork(**fence, **numbers, message=body["Message"] or "", log=body["Log"], binary=body["BinaryData"] or "")
