"""DispatchStream: enqueue an item, and tell its caller of each word of its holder until its end, in frames."""

from __future__ import annotations

import socket
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterator
from contextlib import suppress
from struct import pack
from time import monotonic, sleep
from typing import Any

import orjson
import redis
import structlog
from flask import Response, current_app, request, stream_with_context

from app.answers import Blueprint, outcome_of, reply
from app.dispatch import dispatcher
from app.hub import bucket, streams
from app.hub.blocking import LOOK_SECONDS, reason_of, told_by_row, waited_for
from app.hub.contact import line_is_cut
from app.hub.here import hub_id
from app.who import actor
from schema import envelope as keys
from schema.base import Actor
from schema.errors import CODES, UltravisorError
from schema.hub import forms, frames
from schema.hub.commands import CancelWork, EnqueueWork
from schema.hub.frames import frame
from schema.hub.rules.canceling import GRACE_MS
from schema.outcome import Refused

streaming = Blueprint("hub_streaming", __name__, description="Work whose progress and end are streamed.")

log = structlog.get_logger()

Body = dict[str, Any]

#: Seconds for which a caller may take nothing before it counts as gone.
SILENCE_SECONDS = 30


@streaming.route("/Beacon/Work/DispatchStream", methods=["POST"])
@streaming.arguments(forms.DispatchStreamWire)
@streaming.alt_response(429, response="DEFAULT_ERROR")
def dispatch_stream(body: Body) -> Response:
    """Store a work item and stream its progress, its intermediate bytes and its end, in frames. The same Idempotency-Key is the same item."""
    bucket.admit()
    outcome = outcome_of(EnqueueWork(hub=hub_id(), awaited=True, streamed=True, limits=bucket.limits(), **waited_for(body)))
    if isinstance(outcome, Refused):
        return reply(outcome)
    told = Stream(outcome.value["WorkItemHash"], body["TimeoutMs"] / 1000, actor() if body["CancelOnDisconnect"] else None)
    response = current_app.response_class(stream_with_context(told.frames()), mimetype="application/octet-stream")
    response.headers["X-Ultravisor-Protocol"] = frames.PROTOCOL
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """One caller's stream. `canceler` is who cancels the item when the caller hangs up; None lets the work go on."""

    def __init__(self, hash: str, seconds: float, canceler: Actor | None) -> None:
        self._hash = hash
        self._deadline = monotonic() + seconds
        self._canceler = canceler
        self._line: socket.socket | None = request.environ.get("gunicorn.socket")
        self._over = False

    def frames(self) -> Iterator[bytes]:
        """What the caller reads. Ends with a result or an error, or when nobody reads any more."""
        if self._line is not None:
            # Of the system and not of Python, which would also wait for that long when it looks whether the caller is there.
            self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, pack("ll", SILENCE_SECONDS, 0))
        try:
            yield b""  # the server sends the head with it, and the caller knows that the item is stored
            yield from self._told()
        finally:
            self._leave()

    def _told(self) -> Iterator[bytes]:
        listened = 0.0
        look = True  # whoever comes late, or again, may have missed the end
        while not line_is_cut(self._line):
            now = monotonic()
            if now >= self._deadline:
                self._over = True
                yield _error("wait_over", CODES["wait_over"][1], self._hash)
                return
            if now - listened >= LOOK_SECONDS:
                self._listen()
                listened = now
            ended = self._by_row() if look else None
            message = None if ended else self._next(min(self._deadline - now, LOOK_SECONDS))
            look = message is None
            if message is not None and message[:1] == frames.END:
                ended = orjson.loads(message[1:])
            elif message is not None:
                yield frame(message[:1], message[1:])
            if ended is not None:
                self._over = True
                yield from _end(self._hash, ended)
                return

    def _listen(self) -> None:
        with suppress(redis.RedisError):
            streams.listen(self._hash)

    def _next(self, seconds: float) -> bytes | None:
        """The next message, None when none comes in time. A broker that is away is waited for: the work goes on without it."""
        try:
            return dispatcher().wait_at(keys.stream(self._hash), seconds)
        except (redis.RedisError, UltravisorError):
            sleep(min(seconds, 0.5))
            return None

    def _by_row(self) -> Body | None:
        try:
            return told_by_row(self._hash)
        except UltravisorError:
            return None

    def _leave(self) -> None:
        with suppress(redis.RedisError):
            streams.leave(self._hash)
        if self._over or self._canceler is None:
            return
        try:
            command = CancelWork(hub=hub_id(), work_item_hash=self._hash, reason="the caller hung up", grace_ms=GRACE_MS)
            dispatcher().submit(command, actor=self._canceler)
        except UltravisorError as error:
            log.warning("cancel_not_sent", item=self._hash, error=repr(error))


def _end(hash: str, told: Body) -> Iterator[bytes]:
    """The last frames: the result, after the bytes that it brings; or why there is none."""
    if told["Status"] != "Complete":
        yield _error("work_failed", reason_of(told), hash, Status=told["Status"])
        return
    result = told["Result"]
    outputs = dict(result.get("Outputs") or {})
    with suppress(NotBase64, ValueError, TypeError, KeyError):
        final = a2b_base64(outputs["OutputData"], strict_mode=True)
        del outputs["OutputData"]
        yield frame(frames.FINAL, final)
    yield frame(frames.RESULT, orjson.dumps({"Success": True, "WorkItemHash": hash, **result, "Outputs": outputs}))


def _error(code: str, text: str, hash: str, **more: Any) -> bytes:
    return frame(frames.ERROR, orjson.dumps({"Error": text, "Code": code, "WorkItemHash": hash, **more}))
