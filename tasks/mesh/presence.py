"""A databeacon is there: it registers, makes contact, takes items out of its inbox, and reports how they ended.

Threads in the worker's main process, which hold no database between two looks: children are forked from it while it runs. Whatever is lost here
is offered again by the hub, and an item that is done twice has its effect once.
"""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import orjson
import redis
import sqlalchemy as sa
import structlog

from schema import envelope as keys
from schema.base import Actor, Command
from schema.envelope import Envelope, encode
from schema.hub.commands import RegisterBeacon
from schema.hub.tables import beacon
from schema.mesh.catalog import CAPABILITIES, action_schemas
from schema.outcome import Done, decode
from tasks import outbox
from tasks.failures import is_transient
from tasks.kernel import Kernel
from tasks.mesh.carrying import carried_out, report_as
from tasks.unit import look

log = structlog.get_logger()

#: Items at once: each only waits for the lanes of its connection.
MOST_AT_ONCE = 16
CONTACT_SECONDS = 1.0
#: Silence after which we count as lost.
PRESENCE_MS = 6_000
#: Contacts between two looks whether the hub still knows us.
LOOK_EVERY = 5
ANSWER_SECONDS = 4.0
#: Seconds that an end waits for items in hand; what is not done by then is offered to another.
ENDING_SECONDS = 3.0
#: The name belongs to the hub's own databeacons: nobody else can join under it in secured mode.
OWNER = "system:databeacon"

_STATUS = sa.select(beacon.c.status).where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.beacon_id == sa.bindparam("of_id"))


@dataclass(slots=True)
class Presence:
    """One databeacon under its name."""

    kernel: Kernel
    name: str
    beacon_id: str = ""
    _hand: set[tuple[str, int]] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _ended: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)
    _pool: ThreadPoolExecutor | None = None

    @property
    def hub(self) -> str:
        return self.kernel.settings.hub

    def start(self) -> Presence:
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="mesh")
        self._threads = [Thread(target=self._rounds, args=(step,), name=step.__name__, daemon=True) for step in (self._contact, self._take)]
        for thread in self._threads:
            thread.start()
        return self

    def end(self) -> None:
        """Take nothing more, end what is in hand as far as time allows, and say that we are gone."""
        self._ended.set()
        deadline = monotonic() + ENDING_SECONDS
        while self._hand and monotonic() < deadline:
            self._threads[0].join(0.05)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.join(ANSWER_SECONDS + 1)
        if self.beacon_id:
            with suppress(redis.RedisError):
                self.kernel.redis.hset(keys.presence(self.hub), self.beacon_id, -_now(self.kernel))

    def _rounds(self, step: Any) -> None:
        """Again and again, whatever goes away meanwhile."""
        while not self._ended.is_set():
            try:
                step()
            except Exception as error:
                if is_transient(error) or isinstance(error, redis.RedisError):
                    log.warning("presence_disturbed", error=repr(error))
                else:
                    log.exception("presence_failed")
                self._ended.wait(CONTACT_SECONDS)

    # Contact

    def _contact(self) -> None:
        """Register where the hub does not know us, else say that we are there and what we have in hand."""
        if not self._is_known():
            self._register()
        for _ in range(LOOK_EVERY):
            if self.beacon_id:
                with self._lock:
                    hand = sorted(self._hand)
                now = _now(self.kernel)
                pipe = self.kernel.redis.pipeline(transaction=False)
                pipe.hset(keys.presence(self.hub), self.beacon_id, now)
                pipe.hset(keys.hands(self.hub), self.beacon_id, orjson.dumps([now, hand]))
                pipe.execute()
            if self._ended.wait(CONTACT_SECONDS):
                return

    def _is_known(self) -> bool:
        if not self.beacon_id:
            return False
        with look(self.kernel.engine) as control:
            status = control.execute(_STATUS, {"of_hub": self.hub, "of_id": self.beacon_id}).scalar_one_or_none()
        return status not in (None, "Deregistered")

    def _register(self) -> None:
        """What an earlier life had in hand goes back to the queue."""
        host = socket.gethostname()
        with self._lock:
            hand = sorted(self._hand)
        wish = RegisterBeacon(
            hub=self.hub,
            beacon_name=self.name,
            capabilities=CAPABILITIES,
            action_schemas=action_schemas(),
            max_concurrent=MOST_AT_ONCE,
            tags={"Databeacon": self.name},
            contexts={},
            bind_addresses=[],
            shared_mounts=[],
            host_id=host[:256],
            session_id=None,
            presence_ms=PRESENCE_MS,
            in_hand=hand,
            owner=OWNER,
        )
        id = self.kernel.new_id()
        self._append(wish, Actor("system", "databeacon"), id)
        found: Any = self.kernel.redis.blpop([keys.reply(id)], timeout=ANSWER_SECONDS)
        outcome = None if found is None else decode(found[1])
        if not isinstance(outcome, Done):
            log.warning("not_registered", databeacon=self.name, reason="no answer" if outcome is None else outcome.text)
            return
        self.beacon_id = outcome.value["BeaconID"]
        log.info("registered", databeacon=self.name, beacon=self.beacon_id, pid=os.getpid())

    def _append(self, command: Command, actor: Actor, waited: str = "") -> None:
        envelope = Envelope(waited or self.kernel.new_id(), command, actor, self.kernel.now(), origin="mesh", waited=bool(waited))
        outbox.append(self.kernel, [(command.lane, encode(envelope))])

    # Items

    def _take(self) -> None:
        """The next item of the inbox, if a hand is free. A cancellation is the hub's own business: what we have begun we end."""
        if not self.beacon_id or len(self._hand) >= MOST_AT_ONCE:
            self._ended.wait(0.02)
            return
        found: Any = self.kernel.redis.blpop([keys.inbox(self.hub, self.beacon_id)], timeout=CONTACT_SECONDS)
        if found is None:
            return
        item = orjson.loads(found[1])
        if "WorkItemHash" not in item:
            return
        place = (str(item["WorkItemHash"]), int(item["AttemptNumber"]))
        with self._lock:
            if place in self._hand:
                return
            self._hand.add(place)
        assert self._pool is not None
        self._pool.submit(self._carry_out, item, place)

    def _carry_out(self, item: dict[str, Any], place: tuple[str, int]) -> None:
        try:
            report = carried_out(self.kernel, item, self.beacon_id)
            while True:
                try:
                    self._append(report, report_as(self.beacon_id))
                    break
                except redis.RedisError as error:
                    log.warning("report_delayed", work_item=place[0], error=repr(error))
                    if self._ended.wait(CONTACT_SECONDS):
                        break
        except Exception:  # the pool would keep it to itself
            log.exception("item_dropped", work_item=place[0])
        finally:
            with self._lock:
                self._hand.discard(place)


def _now(kernel: Kernel) -> int:
    return round(kernel.now().timestamp() * 1000)
