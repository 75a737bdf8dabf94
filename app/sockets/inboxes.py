"""The inboxes of all beacons that have a socket here, read by one thread over one connection, however many beacons there are.

The writers say in a channel whose inbox has got something. A word that was not heard (the broker was away, the channel is no store) costs
seconds and not the item: every inbox is looked into when the thread begins to listen, and each few seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

import orjson
import redis
import structlog

from app.broker import Broker
from app.hub import questions
from app.hub.contact import CANCEL
from app.sockets.loop import Loop
from schema import envelope as keys
from schema.errors import UltravisorError

log = structlog.get_logger()

#: Messages taken from one inbox at a time.
TOGETHER = 100
#: Seconds of one wait for a call, and between looks into every inbox.
WAIT_SECONDS = 1.0
SWEEP_SECONDS = 5.0
#: Seconds between attempts to reach a broker that is down.
PAUSE_SECONDS = 0.5

Message = dict[str, Any]


class Inboxes:
    """Its thread begins with the first beacon.

    `give` gets what a beacon is to be told, `taken` whose newest connection has which token; both in the loop.
    """

    def __init__(self, loop: Loop, broker: Broker, give: Callable[[str, list[Message]], None], taken: Callable[[str, str], None]) -> None:
        self._loop = loop
        self._broker = broker
        self._hub = loop.settings.hub
        self._give = give
        self._taken = taken
        self._lock = threading.Lock()
        self._mine: dict[str, str] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept = 0.0

    def add(self, beacon_id: str) -> None:
        """This beacon has its socket here. What waits for it already is given within seconds, or with the next call."""
        with self._lock:
            self._mine[keys.inbox(self._hub, beacon_id)] = beacon_id
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="inboxes", daemon=True)
                self._thread.start()

    def remove(self, beacon_id: str) -> None:
        with self._lock:
            self._mine.pop(keys.inbox(self._hub, beacon_id), None)

    def put_back(self, beacon_id: str, messages: Iterable[Message]) -> None:
        """Return what could not be given, to the front and in its order. Blocks."""
        self._broker.quick.lpush(keys.inbox(self._hub, beacon_id), *(orjson.dumps(message) for message in reversed(list(messages))))

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        lost = False
        while not self._stopped.is_set():
            try:
                with self._broker.patient.pubsub(ignore_subscribe_messages=True) as calls:  # type: ignore[no-untyped-call]  # redis-py left it so
                    calls.subscribe(keys.CALLS)
                    self._swept, lost = 0.0, False
                    while not self._stopped.is_set():
                        self._listen(calls)
            except (redis.RedisError, OSError) as error:
                if not lost:
                    log.warning("inboxes_lost", error=repr(error))
                lost = True
                self._stopped.wait(PAUSE_SECONDS)
            except Exception as error:
                log.error("inboxes_failed", exc_info=error)
                self._stopped.wait(PAUSE_SECONDS)

    def _listen(self, calls: Any) -> None:
        called: set[str] = set()
        message = calls.get_message(timeout=0.0 if not self._swept else WAIT_SECONDS)
        while message is not None:
            self._heed(orjson.loads(message["data"]), called)
            message = calls.get_message(timeout=0.0) if len(called) < TOGETHER else None
        with self._lock:
            mine = dict(self._mine)
        if monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = monotonic()
            called = set(mine)
        self._fetch({inbox: mine[inbox] for inbox in called if inbox in mine})

    def _heed(self, said: Message, called: set[str]) -> None:
        called.update(said.get("Inboxes", ()))
        if said.get("Hub") == self._hub:
            self._loop.call(self._taken, said["Taken"], said["Token"])

    def _fetch(self, inboxes: Mapping[str, str]) -> None:
        while inboxes:
            pipe = self._broker.quick.pipeline(transaction=False)
            for inbox in inboxes:
                pipe.lpop(inbox, TOGETHER)
            found = {inbox: list(map(orjson.loads, messages)) for inbox, messages in zip(inboxes, pipe.execute(), strict=True) if messages}
            try:
                self._hand_out({inboxes[inbox]: messages for inbox, messages in found.items()})
            except UltravisorError as error:  # the database does not answer, so nobody knows what is still true
                log.warning("inboxes_not_read", error=repr(error))
                for inbox, messages in found.items():
                    self.put_back(inboxes[inbox], messages)
                self._stopped.wait(PAUSE_SECONDS)
                return
            inboxes = {inbox: inboxes[inbox] for inbox, messages in found.items() if len(messages) == TOGETHER}

    def _hand_out(self, found: Mapping[str, list[Message]]) -> None:
        """Give what is still true: an assignment may have been taken back while it lay in the inbox."""
        hashes = {message["WorkItemHash"] for messages in found.values() for message in messages if CANCEL not in message}
        if hashes:
            with self._loop.app.app_context():
                held = questions.held_of(self._hub, list(hashes))
        for beacon_id, messages in found.items():
            good = [said for said in messages if CANCEL in said or (beacon_id, said["WorkItemHash"], said["AttemptNumber"]) in held]
            if good:
                self._loop.call(self._give, beacon_id, good)
