"""One thread that reads the event streams of a web process and hands what it finds to every watcher, each with a bounded queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from queue import Full, Queue
from typing import Any, cast

import redis
import structlog

from app.broker import Broker
from schema import envelope as keys
from schema.settings import Settings

log = structlog.get_logger()

#: Events that a watcher may be behind before it is cut off.
QUEUE = 1_000
#: Milliseconds of one blocking read: how long a new topic, or the end of the last watcher, waits to be noticed.
BLOCK_MS = 500
#: Seconds between attempts to reach a broker that is down.
PAUSE_SECONDS = 0.5

RESET = b"reset"
START = "0-0"


def order(id: str) -> tuple[int, int]:
    """Stream ids in the order of the stream."""
    stamp, _, number = id.partition("-")
    return int(stamp), int(number)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one topic."""

    epoch: str
    topic: str
    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """Nobody knows what was missed: start again from here. `reason` is `epoch`, `trimmed`, `unknown`, `away`, `broker` or `slow`."""

    epoch: str
    positions: dict[str, str]
    reason: str


@dataclass(eq=False, slots=True)
class Watcher:
    """One client: where it stands in each topic, and what waits for it. None in the queue is the end."""

    tail: Tail
    epoch: str
    positions: dict[str, str]
    #: Up to where the past must be read from the streams; the queue has what came after.
    live_from: dict[str, str]
    first: Reset | None = None
    cut: bool = False
    queue: Queue[Event | Reset | None] = field(default_factory=lambda: Queue(QUEUE))

    @property
    def id(self) -> bytes:
        """Where it stands, as the wire says it."""
        return f"{self.epoch}:{','.join(self.positions.values())}".encode()

    def missed(self) -> Iterator[list[Event | Reset]]:
        """What happened between the last visit and now."""
        if self.first is not None:
            yield [self.first]
        elif self.positions != self.live_from:
            past = merge(*(self.tail.past(self.epoch, topic, id, self.live_from[topic]) for topic, id in self.positions.items()), key=_age)
            yield cast(list[Event | Reset], list(past))

    def moves(self, item: Event | Reset) -> bool:
        """Whether the item is news: another web process may have been ahead of ours."""
        return isinstance(item, Reset) or item.epoch != self.epoch or order(item.id) > order(self.positions[item.topic])

    def move(self, item: Event | Reset) -> None:
        """Stand at this item."""
        self.epoch = item.epoch
        if isinstance(item, Reset):
            self.positions = {topic: item.positions[topic] for topic in self.positions}
        else:
            self.positions[item.topic] = item.id

    def reset_now(self, reason: str) -> Reset:
        """A reset to where the tail stands."""
        return self.tail.here(self.positions, reason)


def _age(event: Event) -> tuple[int, int]:
    return order(event.id)


class Tail:
    """Its thread begins with the first watcher and ends with the last."""

    def __init__(self, settings: Settings, broker: Broker) -> None:
        self._broker = broker
        self._most = max(1, settings.web_threads // 2)
        self._lock = threading.Lock()
        self._watchers: set[Watcher] = set()
        self._positions: dict[str, str] = {}
        self._epoch = ""
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def join(self, topics: Sequence[str], last_id: str | None, reserved: bool = False) -> Watcher | None:
        """Watch from where `last_id` points to, else from now on. None when there are too many watchers, but for one whose place is `reserved`.

        Raises what redis-py raises.
        """
        epoch, ends = self.ends(topics)
        wanted, problem = (ends, None) if last_id is None else self._resumed(last_id, epoch, ends)
        with self._lock:
            if (len(self._watchers) >= self._most and not reserved) or self._stopped.is_set():
                return None
            if not self._watchers:
                self._epoch, self._positions = epoch, {}
            for topic in topics:
                self._positions.setdefault(topic, ends[topic])
            live_from = {topic: self._positions[topic] for topic in topics}
            start = live_from if last_id is None or problem else wanted
            watcher = Watcher(self, self._epoch, dict(start), live_from)
            watcher.first = Reset(self._epoch, live_from, problem) if problem else None
            self._watchers.add(watcher)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
                self._thread.start()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """The watcher has gone."""
        with self._lock:
            self._watchers.discard(watcher)
            watched = {topic for other in self._watchers for topic in other.positions}
            self._positions = {topic: id for topic, id in self._positions.items() if topic in watched}

    def stop(self) -> None:
        """End all streams: the process is about to."""
        self._stopped.set()
        with self._lock:
            for watcher in list(self._watchers):
                self._give(watcher, None)

    def here(self, topics: dict[str, str], reason: str) -> Reset:
        """A reset to the present."""
        with self._lock:
            return Reset(self._epoch, {topic: self._positions.get(topic, id) for topic, id in topics.items()}, reason)

    def past(self, epoch: str, topic: str, after: str, until: str) -> list[Event]:
        """The events of a topic after one id up to another."""
        found: Any = self._broker.quick.xrange(keys.events(topic), f"({after}", until)
        return [Event(epoch, topic, id.decode(), fields[b"e"]) for id, fields in found]

    def ends(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The epoch, and the id of the newest event of each topic."""
        pipe = self._broker.quick.pipeline(transaction=False)
        pipe.get(keys.EPOCH)
        for topic in topics:
            pipe.xinfo_stream(keys.events(topic))
        epoch, *streams = pipe.execute(raise_on_error=False)
        for found in (epoch, *streams):
            if isinstance(found, redis.RedisError) and not isinstance(found, redis.ResponseError):
                raise found
        ends = [START if isinstance(info, redis.ResponseError) else info["last-generated-id"].decode() for info in streams]
        return (epoch or b"").decode(), dict(zip(topics, ends, strict=True))

    def _resumed(self, last_id: str, epoch: str, ends: dict[str, str]) -> tuple[dict[str, str], str | None]:
        """Where the client stood, and why it cannot go on from there if it cannot."""
        life, _, ids = last_id.partition(":")
        given = ids.split(",")
        if life != epoch:
            return ends, "epoch"
        try:
            wanted = dict(zip(ends, given, strict=True))
            beyond = [topic for topic, id in wanted.items() if order(id) > order(ends[topic])]
        except ValueError:
            return ends, "unknown"
        lost = beyond or [topic for topic, id in wanted.items() if id != ends[topic] and not self._kept(topic, id)]
        return wanted, "trimmed" if lost else None

    def _kept(self, topic: str, id: str) -> bool:
        """Whether everything after the event is still there: it is, when the event itself is, or when nothing was ever trimmed."""
        stream = keys.events(topic)
        if id == START:
            return bool(self._broker.quick.xlen(stream) < keys.EVENTS_KEPT)
        return bool(self._broker.quick.xrange(stream, id, id))

    def _run(self) -> None:
        lost = False
        while True:
            with self._lock:
                if not self._watchers or self._stopped.is_set():
                    self._thread = None
                    return
                positions = dict(self._positions)
            try:
                if lost:
                    self._relearn("broker")
                    lost = False
                else:
                    self._hand_out(positions, *self._read(positions))
            except redis.RedisError as error:
                if not lost:
                    log.warning("tail_lost", error=repr(error))
                    self._tell("away")
                lost = True
                self._stopped.wait(PAUSE_SECONDS)

    def _read(self, positions: dict[str, str]) -> tuple[str, list[Event]]:
        """What came after the positions, and the epoch as it is after that read: it is never older than the events."""
        pipe = self._broker.patient.pipeline(transaction=False)
        pipe.xread(cast(Any, {keys.events(topic): id for topic, id in positions.items()}), block=BLOCK_MS)
        pipe.get(keys.EPOCH)
        found, epoch = pipe.execute()
        topics = {keys.events(topic).encode(): topic for topic in positions}
        life = (epoch or b"").decode()
        return life, [Event(life, topics[name], id.decode(), fields[b"e"]) for name, entries in found or () for id, fields in entries]

    def _hand_out(self, read: dict[str, str], epoch: str, events: list[Event]) -> None:
        if epoch != self._epoch and self._epoch:
            self._relearn("epoch")
            return
        with self._lock:
            self._epoch = epoch
            for event in events:
                # A topic that was left and joined again meanwhile stands elsewhere by now.
                if self._positions.get(event.topic) == read[event.topic]:
                    read[event.topic] = self._positions[event.topic] = event.id
                    for watcher in [watcher for watcher in self._watchers if event.topic in watcher.positions]:
                        self._give(watcher, event)

    def _relearn(self, reason: str) -> None:
        """Stand where the streams end, and have everybody begin there anew."""
        epoch, ends = self.ends(list(self._positions))
        with self._lock:
            self._epoch = epoch
            self._positions.update({topic: end for topic, end in ends.items() if topic in self._positions})
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        """Have everybody begin where the tail stands."""
        with self._lock:
            for watcher in list(self._watchers):
                self._give(watcher, Reset(self._epoch, {topic: self._positions[topic] for topic in watcher.positions}, reason))

    def _give(self, watcher: Watcher, item: Event | Reset | None) -> None:
        try:
            watcher.queue.put_nowait(item)
        except Full:
            watcher.cut = True
            self._watchers.discard(watcher)
