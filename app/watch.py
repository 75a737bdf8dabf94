"""Events as they happen, by server-sent events: one thread per web process reads the topics and hands out to whoever watches.

An event's id is `<epoch>:<stream id>[,<stream id>...]`, one stream id for each watched topic in alphabetical order. Whoever comes
back with it gets what was missed; where that cannot be known (another life of the broker, trimmed away, too slow), a `reset` event
says: read the current state again, and watch from here.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

import redis
from flask import Flask, Response, current_app, request

from app import identities, who
from app.asking import Blueprint
from app.refusing import refuse
from app.tail import RESET, Event, Reset, Tail, Watcher
from schema.errors import Overloaded, UltravisorError

watch = Blueprint("watch", __name__, description="Events as they happen.")

#: Seconds between comments that keep proxies from closing a silent stream, and tell us that the client has gone.
HEARTBEAT_SECONDS = 15
#: Seconds that a client may leave unread before its connection is closed: until then it holds a thread.
SEND_SECONDS = 20
#: Events that are written at once.
TOGETHER = 100

_TOPIC = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_RUN = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


@watch.route("/api/events")
@watch.doc(
    parameters=[
        {"in": "query", "name": "topics", "required": True, "schema": {"type": "string"}, "description": "Names of topics, separated by commas."},
        {"in": "query", "name": "run", "schema": {"type": "string"}, "description": "With the topic run alone: only what this run does."},
        {"in": "header", "name": "Last-Event-ID", "schema": {"type": "string"}, "description": "The id of the last event seen."},
    ]
)
@watch.response(200, content_type="text/event-stream", description="The stream; it ends when the client goes.")
def events() -> Response:
    """Watch topics."""
    tail: Tail = current_app.extensions["tail"]
    watcher = tail.join(_topics(), request.headers.get("Last-Event-ID"))
    if watcher is None:
        raise Overloaded("Too many watchers; each of them holds a thread.")
    _limit_sending()
    response = Response(
        _lines(watcher, _still_known(), _wanted()), mimetype="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    # And not at the end of the generator, which never runs when the client goes before its first line.
    response.call_on_close(lambda: tail.leave(watcher))
    return response


def _still_known() -> Callable[[], bool]:
    """Whether whoever watches may still do so: a stream outlives logins and roles, and is asked about with each heartbeat."""
    known = who.identity()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the stream goes on after the request's context
    if known is None:
        return lambda: True
    looked = monotonic()

    def still() -> bool:
        nonlocal looked
        if monotonic() - looked < HEARTBEAT_SECONDS:
            return True
        looked = monotonic()
        with app.app_context():
            try:
                return identities.still(known) is not None
            except (redis.RedisError, UltravisorError):
                return True  # who cannot be looked up now is looked up with the next one

    return still


def _topics() -> list[str]:
    topics = sorted({name for name in request.args.get("topics", "").split(",") if name})
    if not 0 < len(topics) <= 16 or not all(map(_TOPIC.fullmatch, topics)):
        refuse("bad_request", "topics must name 1 to 16 topics, separated by commas.")
    return topics


def _wanted() -> bytes:
    """What an event must hold to be told: the mark of one run, or nothing."""
    run = request.args.get("run", "")
    if run and (not _RUN.fullmatch(run) or _topics() != ["run"]):
        refuse("bad_request", "run is the hash of a run, together with topics=run.")
    return b'"RunHash":"%s"' % run.encode() if run else b""


def _limit_sending() -> None:
    """A client that is there but does not read must not hold a thread for ever."""
    sock = request.environ.get("gunicorn.socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))


def _lines(watcher: Watcher, still_known: Callable[[], bool], wanted: bytes) -> Iterator[bytes]:
    # The id alone: whoever loses the connection before the first event comes back to this very place.
    yield b"retry: 1000\nid: %s\n\n" % watcher.id
    for batch in watcher.missed():
        yield b"".join(_line(watcher, item, wanted) for item in batch)
    while True:
        items, last = _next(watcher)
        if watcher.cut:
            yield _line(watcher, watcher.reset_now("slow"))
            return
        yield b"".join(_line(watcher, item, wanted) for item in items) or b": \n\n"
        if last or not still_known():
            return


def _next(watcher: Watcher) -> tuple[list[Event | Reset], bool]:
    """What has come by now, nothing after HEARTBEAT_SECONDS of silence; and whether that is the end."""
    items: list[Event | Reset] = []
    try:
        item: Any = watcher.queue.get(timeout=HEARTBEAT_SECONDS)
        while item is not None:
            if watcher.moves(item):
                items.append(item)
            if len(items) >= TOGETHER:
                return items, False
            item = watcher.queue.get_nowait()
    except Empty:
        return items, False
    return items, True


def _line(watcher: Watcher, item: Event | Reset, wanted: bytes = b"") -> bytes:
    watcher.move(item)
    if isinstance(item, Event) and wanted not in item.data:
        return b""
    kind, data = (RESET, b'{"Reason":"%s"}' % item.reason.encode()) if isinstance(item, Reset) else (item.topic.encode(), item.data)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (watcher.id, kind, data)
