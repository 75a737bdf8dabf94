"""Those who watch the queue over sockets. One thread per process takes events from the tail, one question per second makes the summary.

Lives in the loop. Whoever comes back with LastEventGUID gets what was missed from the streams as far as they
reach; what happens meanwhile waits for its turn, so that nothing comes twice or in the wrong order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
import uuid_utils

from app.hub import questions
from app.sockets.connection import SLOW_SECONDS, Connection
from app.sockets.loop import Loop
from app.sockets.relay import Relay
from app.tail import START, Event, Reset, Tail, order
from schema.sql import to_wire

log = structlog.get_logger()

#: Streams that have queue.* and observer.* events.
TOPICS = ("beacon", "queue")
SHOWN = (b'{"Topic":"queue.', b'{"Topic":"observer.')
#: Bytes that a viewer may leave unread before it is cut off.
UNREAD = 4_194_304
SUMMARY_SECONDS = 1.0
#: What a slow viewer is told: come back, and say what you saw last.
TRY_LATER = 1013
SLOW = "too slow; subscribe again with the LastEventGUID that you have seen"


@dataclass(eq=False, slots=True)
class Viewer:
    """One who watches. While the past is being read, the present waits in `held`; None once it does not."""

    connection: Connection
    held: list[Event] | None = field(default_factory=list)


def envelope(event: Event) -> bytes:
    """The event as the wire tells it. Seq follows from its place in the stream: the same in every process, ever growing within a topic."""
    stamp, number = order(event.id)
    return b'%s,"Seq":%d}' % (event.data[:-1], stamp * 4096 + min(number, 4095))


class Viewers:
    """The relay begins with the first viewer and ends with the last."""

    def __init__(self, loop: Loop, tail: Tail) -> None:
        self._loop = loop
        self._tail = tail
        self._hub = loop.settings.hub
        self._viewers: dict[Connection, Viewer] = {}
        self._relay = Relay(loop, tail, TOPICS, self._spread)
        self._changed = False
        self._ticking = False

    def join(self, connection: Connection, last_guid: str | None) -> None:
        """Watch; joining again begins anew."""
        viewer = self._viewers[connection] = Viewer(connection)

        def failed(_: Exception) -> None:
            self._viewers.pop(connection, None)
            connection.close(TRY_LATER, "the broker is away")

        self._loop.errand(lambda: self._past(last_guid), lambda past: self._begin(viewer, last_guid, past), failed)

    def leave(self, connection: Connection) -> None:
        """Watch no longer. Leaving twice is no mistake."""
        if self._viewers.pop(connection, None) is not None and not self._viewers:
            self.stop()

    def stop(self) -> None:
        self._relay.stop()

    # The past.

    def _past(self, last_guid: str | None) -> list[Event] | None:
        """Events after the one of that id, None when it is not known any more. Blocks; what is asked later is in the relay's hands by then."""
        self._relay.start()
        if last_guid is None:
            return []
        epoch, ends = self._tail.ends(TOPICS)
        found = [event for topic, end in ends.items() if end != START for event in self._tail.past(epoch, topic, START, end)]
        found.sort(key=lambda event: order(event.id))
        sought = b'"EventGUID":"%s"' % last_guid.encode()
        place = next((number for number, event in enumerate(found) if sought in event.data), None)
        return None if place is None else found[place + 1 :]

    def _begin(self, viewer: Viewer, last_guid: str | None, past: list[Event] | None) -> None:
        if self._viewers.get(viewer.connection) is not viewer:
            return
        if last_guid is not None:
            self._replay(viewer, last_guid, past)
        told = {(event.topic, event.id) for event in past or ()}
        held, viewer.held = viewer.held or [], None
        for event in held:
            if (event.topic, event.id) not in told:
                self._show(viewer, envelope(event))
        self._summarize([viewer])
        if not self._ticking:
            self._ticking = True
            self._loop.later(SUMMARY_SECONDS, self._tick)

    def _replay(self, viewer: Viewer, last_guid: str, past: list[Event] | None) -> None:
        if past is None:
            self._show(viewer, marker("queue.reset", {"Reason": "history-too-old", "LastEventGUID": last_guid}))
            return
        shown = [envelope(event) for event in past if event.data.startswith(SHOWN)]
        self._show(viewer, marker("queue.replay_begin", {"FromGUID": last_guid, "Count": len(shown)}))
        for text in shown:
            self._show(viewer, text)
        through = orjson.loads(past[-1].data)["EventGUID"] if past else last_guid
        self._show(viewer, marker("queue.replay_complete", {"ThroughGUID": through, "Count": len(shown)}))

    # The present.

    def _spread(self, item: Event | Reset) -> None:
        self._changed = True
        if isinstance(item, Event) and not item.data.startswith(SHOWN):
            return
        text = marker("queue.reset", {"Reason": item.reason}) if isinstance(item, Reset) else envelope(item)
        for viewer in list(self._viewers.values()):
            if viewer.held is None or isinstance(item, Reset):
                self._show(viewer, text)
            else:
                viewer.held.append(item)

    def _show(self, viewer: Viewer, text: bytes) -> None:
        if viewer.connection.unsent > UNREAD:
            self.leave(viewer.connection)
            viewer.connection.close(TRY_LATER, SLOW, SLOW_SECONDS)
        else:
            viewer.connection.send_bytes(text)

    # The summary.

    def _tick(self) -> None:
        if not self._viewers:
            self._ticking = False
            return
        self._loop.later(SUMMARY_SECONDS, self._tick)
        if self._changed:
            self._changed = False
            self._summarize(list(self._viewers.values()))

    def _summarize(self, viewers: Iterable[Viewer]) -> None:
        def shown(found: dict[str, Any]) -> None:
            text = marker("queue.summary", {"At": to_wire(datetime.now(UTC)), **found})
            for viewer in viewers:
                self._show(viewer, text)

        self._loop.errand(lambda: questions.summary(self._hub), shown)


def marker(topic: str, payload: dict[str, Any]) -> bytes:
    """An envelope that is in no stream and cannot be replayed."""
    now = datetime.now(UTC)
    seq = int(now.timestamp() * 1000) * 4096
    return orjson.dumps({"Topic": topic, "Payload": payload, "EventGUID": str(uuid_utils.uuid4()), "EmittedAt": to_wire(now), "Seq": seq})
