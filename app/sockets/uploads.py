"""Result files that come over a socket: announced by a frame, followed by one binary frame.

The web process stores nothing. What came is measured here; keeping it is one function, which declines until uploads have a command to go to.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from marshmallow import EXCLUDE, fields, validate

from schema.wire import NAME, Wire

NOT_KEPT = "This hub keeps no uploads yet; send the content as base64 in Outputs.OutputData."


class UploadWire(Wire):
    """The announcement of a file."""

    class Meta:
        unknown = EXCLUDE

    WorkItemHash = fields.String(required=True, validate=NAME)
    OutputFilename = fields.String(required=True, validate=validate.Length(min=1, max=255))
    OutputSize = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))


@dataclass(frozen=True, slots=True)
class Upload:
    """One announced file; `beacon_id` and `attempt` are its fence, as for every report."""

    beacon_id: str
    attempt: int | None
    work_item_hash: str
    filename: str
    size: int


def refusal_of(upload: Upload, data: bytes) -> str:
    """Why the content is not kept; empty text would mean that it is, under its digest."""
    if len(data) != upload.size:
        return f"{len(data)} bytes came, {upload.size} were announced."
    return keep(upload, data, sha256(data).hexdigest())


def keep(upload: Upload, data: bytes, digest: str) -> str:
    """The seam: hand the content on. Returns why not, empty text when it is on its way."""
    return NOT_KEPT
