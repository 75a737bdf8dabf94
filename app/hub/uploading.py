"""Files that attempts put out: brought by their beacons, listed, and fetched."""

from __future__ import annotations

import re
import socket
from typing import Any

from flask import Response, request

from app import who
from app.answers import Blueprint, carry_out, refuse
from app.content import giving, taking
from app.content.questions import Content
from app.hub import questions
from app.hub.here import hub_id
from schema.hub.commands import AttachArtifact
from schema.hub.rules.lifecycle import HELD
from schema.hub.wire import artifact_record

uploading = Blueprint("hub_uploading", __name__, description="Files that work puts out.")

#: Seconds of silence after which a sender counts as gone.
SILENCE_SECONDS = 30.0
OCTETS = "application/octet-stream"

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@uploading.route("/Beacon/Work/<work_item_hash>/Upload", methods=["POST"])
def upload(work_item_hash: str) -> Response:
    """Keep a file of an item at work. The body is the file; X-Output-Filename is what it is called."""
    attempt, holder = _attempt(), who.holder(request.headers.get(who.BEACON_HEADER))
    name, kind = _filename(), content_type(request.headers.get("Content-Type"))
    digest = taking.announced_digest(request.headers.get("Content-Digest"))
    _look(work_item_hash, holder, attempt)
    taken = taking.take(_body(), who.actor(), taking.most_bytes(), request.content_length, digest)
    fence: dict[str, Any] = {"hub": hub_id(), "work_item_hash": work_item_hash, "beacon_id": holder, "attempt": attempt}
    return carry_out(AttachArtifact(**fence, filename=name, digest=taken.digest, size=taken.size, content_type=kind))


@uploading.route("/Beacon/Work/<work_item_hash>/Artifacts")
def artifacts(work_item_hash: str) -> dict[str, Any]:
    """The files that an item's attempts have put out."""
    rows = questions.artifacts_of(hub_id(), work_item_hash)
    if not rows and questions.item_by_hash(hub_id(), work_item_hash) is None:
        refuse("not_found", f"There is no work item {work_item_hash}.")
    return {"WorkItemHash": work_item_hash, "Artifacts": [artifact_record(row) for row in rows]}


@uploading.route("/Beacon/Work/<work_item_hash>/Artifacts/<digest>")
def artifact(work_item_hash: str, digest: str) -> Response:
    """The content of one file. Its digest is its ETag; Range and If-None-Match are heeded."""
    row = questions.artifact_by_digest(hub_id(), work_item_hash, digest) if _DIGEST.fullmatch(digest) else None
    if row is None:
        refuse("not_found", "The item has no such file.")
    content = Content(digest, row["size"], row["upload_id"], row["chunk_bytes"])
    return giving.given(content, row["filename"], row["content_type"])


def content_type(said: str | None) -> str:
    """What the sender says that the content is; whatever else it says is left out."""
    kind = (said or "").partition(";")[0].strip()
    return kind.lower() if _TYPE.fullmatch(kind) else OCTETS


def judged_name(name: str) -> str:
    """A name that can be stored and shown. It is never used as a path, so it may look like one. Raises Refusal."""
    if not 1 <= len(name) <= 255 or not name.isprintable():
        refuse("bad_request", "The name of the file must be 1 to 255 printable characters.")
    return name


def _filename() -> str:
    """A header is bytes; clients write UTF-8 into it, or the old Latin-1."""
    raw = request.headers.get("X-Output-Filename", "output").encode("latin-1", "replace")
    try:
        return judged_name(raw.decode())
    except UnicodeDecodeError:
        return judged_name(raw.decode("latin-1"))


def _attempt() -> int | None:
    said = request.headers.get("X-Attempt-Number")
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        refuse("bad_request", "X-Attempt-Number must be a whole number.")
    return int(said)


def _look(work_item_hash: str, holder: str | None, attempt: int | None) -> None:
    """Decline what the verb would decline, before a byte is read. What may be a repetition is left to the verb."""
    item = questions.item_by_hash(hub_id(), work_item_hash)
    if item is None:
        refuse("not_found", f"There is no work item {work_item_hash}.")
    mine = holder in (None, item["assigned_beacon_id"]) and attempt in (None, item["attempt_number"])
    if not (mine and item["status"] in HELD) and not questions.artifacts_of(hub_id(), work_item_hash):
        details = {"WorkItemHash": work_item_hash, "Status": item["status"], "AttemptNumber": item["attempt_number"]}
        refuse("superseded", "The reporter does not hold this attempt at the item.", **details)


def _body() -> taking.Read:
    """Reads the body, which has a limit of its own here; a sender that falls silent in the middle is hung up on."""
    request.max_content_length = taking.most_bytes() + 1  # the one more tells a file that is too large from one that just fits
    line: socket.socket | None = request.environ.get("gunicorn.socket")
    if line is not None:
        line.settimeout(SILENCE_SECONDS)
    return request.stream.read
