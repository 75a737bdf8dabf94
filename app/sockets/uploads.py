"""Files that come over a socket: announced by a frame, followed by one binary frame, stored like those that come over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from marshmallow import EXCLUDE, fields, validate

from app.content import taking
from app.dispatch import dispatcher
from app.hub.uploading import content_type, judged_name
from app.sockets.frames import Frame, judged
from schema.base import Actor
from schema.errors import CODES, UltravisorError
from schema.hub.commands import AttachArtifact
from schema.hub.forms import INT32
from schema.outcome import Refused
from schema.wire import NAME, Wire

ACKNOWLEDGED = "WorkResultUploadAck"


class UploadWire(Wire):
    """The announcement of a file."""

    class Meta:
        unknown = EXCLUDE

    WorkItemHash = fields.String(required=True, validate=NAME)
    OutputFilename = fields.String(required=True, validate=validate.Length(min=1, max=255))
    OutputSize = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    ContentType = fields.String(load_default=None, allow_none=True)
    AttemptNumber = fields.Integer(load_default=None, allow_none=True, strict=True, validate=INT32)


@dataclass(frozen=True, slots=True)
class Upload:
    """One announced file; `beacon_id` and `attempt` are its fence, as for every report."""

    frame: Frame
    beacon_id: str
    attempt: int | None
    work_item_hash: str
    filename: str
    content_type: str
    size: int


def announced(frame: Frame, beacon_id: str, attempt_of: Callable[[str], int | None]) -> Upload:
    """Raises BadFrame for the shape, Refusal for the name."""
    body = judged(UploadWire, frame)
    hash = body["WorkItemHash"]
    attempt = body["AttemptNumber"] if body["AttemptNumber"] is not None else attempt_of(hash)
    return Upload(frame, beacon_id, attempt, hash, judged_name(body["OutputFilename"]), content_type(body["ContentType"]), body["OutputSize"])


def refused(code: str, text: str | None = None) -> dict[str, Any]:
    return {"Success": False, "Code": code, "Reason": text or CODES[code][1]}


FAILED = refused("internal")


def storing(hub: str, upload: Upload, data: bytes) -> Callable[[], dict[str, Any]]:
    """An errand that stores the file and attaches it to its attempt; its result is what the sender is told."""

    def store() -> dict[str, Any]:
        try:
            return _stored(hub, upload, data)
        except UltravisorError as error:
            return refused(error.code, error.text)

    return store


def _stored(hub: str, upload: Upload, data: bytes) -> dict[str, Any]:
    actor = Actor("beacon", upload.beacon_id)
    taken = taking.take(BytesIO(data).read, actor, taking.most_bytes(), upload.size)
    fence: dict[str, Any] = {"hub": hub, "work_item_hash": upload.work_item_hash, "beacon_id": upload.beacon_id, "attempt": upload.attempt}
    command = AttachArtifact(**fence, filename=upload.filename, digest=taken.digest, size=taken.size, content_type=upload.content_type)
    outcome = dispatcher().dispatch(command, actor=actor)
    return refused(outcome.code, outcome.text) if isinstance(outcome, Refused) else dict(outcome.value)
