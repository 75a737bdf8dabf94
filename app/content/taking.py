"""Content on its way in: cut into chunks, each committed before the next is read, so that neither web nor broker ever holds more than one.

Nobody sees any of it before its end has come, its digest is known, and all of its chunks lie in SQL.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic, sleep

import structlog
from flask import current_app

from app.dispatch import dispatcher, new_id
from app.refusing import refuse
from schema.base import Actor, Command
from schema.content.commands import CHUNK_BYTES, DropUpload, SealUpload, StoreChunk
from schema.errors import OutcomeUnknown, Overloaded, UltravisorError, Unavailable
from schema.outcome import Refused

log = structlog.get_logger()

#: Seconds for which one chunk is sent again while broker, worker or database are away.
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.2
#: Uploads that one web process takes at a time: bounds its memory, what lies in the broker, and the threads that are left for others.
AT_ONCE = 8
#: Seconds that another one waits for its turn.
TURN_SECONDS = 5.0

_places = threading.BoundedSemaphore(AT_ONCE)

#: Gives the next bytes, at most so many; none at the end.
Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Taken:
    """Content that is stored, and that nobody refers to yet."""

    digest: str
    size: int


def take(read: Read, actor: Actor, most: int, length: int | None = None, digest: str | None = None) -> Taken:
    """Store all that can be read. `length` and `digest` are what the sender has announced, None where it has not.

    Raises Refusal (too_large, wrong_digest, bad_request) when it is not what it should be, Unavailable or Overloaded when it could not be
    stored: then nothing of it is kept.
    """
    with _place():
        upload = new_id()
        try:
            return _taken(upload, read, actor, most, length, digest)
        except Exception:
            _drop(upload, actor)
            raise


def announced_digest(header: str | None) -> str | None:
    """The SHA-256, in hex, of a header Content-Digest (RFC 9530); None when it names none. Raises Refusal for one that is malformed."""
    for part in (header or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            with suppress(NotBase64, ValueError):
                raw = a2b_base64(value.strip(":"), strict_mode=True)
                if value.startswith(":") and value.endswith(":") and len(raw) == 32:
                    return raw.hex()
            refuse("bad_request", "Content-Digest must read sha-256=:<base64 of 32 bytes>:.")
    return None


def _taken(upload: str, read: Read, actor: Actor, most: int, length: int | None, digest: str | None) -> Taken:
    whole, size, number = sha256(), 0, 0
    for piece in _pieces(read):
        size += len(piece)
        if size > most:
            refuse("too_large", f"The file is larger than {most} bytes (UV_MAX_UPLOAD).")
        whole.update(piece)
        _carry_out(StoreChunk(upload=upload, number=number, data=b64encode(piece).decode()), actor)
        number += 1
    if length is not None and size != length:
        refuse("bad_request", f"{size} bytes came, {length} were announced.")
    if size == 0:
        refuse("bad_request", "The file is empty.")
    found = whole.hexdigest()
    if digest is not None and digest != found:
        refuse("wrong_digest", Digest=found)
    _carry_out(SealUpload(upload=upload, digest=found, size=size, chunks=number), actor)
    return Taken(found, size)


def _pieces(read: Read) -> Iterator[bytes]:
    """Chunks of equal size but the last, however the bytes come in."""
    while True:
        parts, missing = [], CHUNK_BYTES
        while missing and (part := read(missing)):
            parts.append(part)
            missing -= len(part)
        if parts:
            yield b"".join(parts)
        if missing:
            return


def _carry_out(command: Command, actor: Actor) -> None:
    """Have it committed, whatever it takes for a while: these commands may be repeated without harm."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            outcome = dispatcher().dispatch(command, actor=actor)
        except (OutcomeUnknown, Overloaded, Unavailable) as error:
            if monotonic() > deadline:
                raise Unavailable("The file could not be stored in time; nothing of it is kept. Send it again.") from error
            sleep(PAUSE_SECONDS)
            continue
        if isinstance(outcome, Refused):
            raise Unavailable(f"The file could not be stored: {outcome.text} Nothing of it is kept. Send it again.")
        return


def _drop(upload: str, actor: Actor) -> None:
    """Its chunks go at once, and not only when the upload counts as given up."""
    try:
        dispatcher().submit(DropUpload(upload=upload), actor=actor)
    except UltravisorError as error:
        log.info("upload_left", upload=upload, error=repr(error))


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=TURN_SECONDS):
        raise Overloaded("Too many files are on their way; nothing was accepted. Repeat later.")
    try:
        yield
    finally:
        _places.release()


def most_bytes() -> int:
    """The largest file that this hub takes."""
    return int(current_app.config["SETTINGS"].max_upload)
