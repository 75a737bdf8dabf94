"""The one way in which the web process wants something: append the command to its lane's journal, ring, wait for the committed outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from time import monotonic
from typing import Any

import structlog
import uuid_utils
from celery import Celery
from flask import current_app
from kombu import Queue
from redis import exceptions as broken

from app.broker import pool
from app.line import LOST, Line
from schema import envelope as keys
from schema.base import ANONYMOUS, Actor, Command
from schema.envelope import Envelope, receipt_id
from schema.errors import OutcomeUnknown, Overloaded, Unavailable
from schema.outcome import Outcome, decode
from schema.settings import Settings

log = structlog.get_logger()

#: A doorbell that nobody answered for this long is worthless: the sweep has rung again by then.
RING_EXPIRES = 10
#: The append itself is given this long, even when the caller does not want to wait for the outcome.
APPEND_SECONDS = 2.0
#: We listen this much longer than the server waits, so that it is the server who says that time is up, and the connection stays whole.
MARGIN_SECONDS = 1.0


class Dispatcher:
    """One per web process, made after the fork; connects when first used. Safe for threads: each has a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = pool(settings.redis_url)
        self._mine = threading.local()

    def dispatch(
        self, command: Command, *, actor: Actor = ANONYMOUS, key: str | None = None, wait: float | None = None, request_id: str = ""
    ) -> Outcome:
        """The committed outcome of the command.

        Raises Unavailable or Overloaded when nothing was accepted, OutcomeUnknown when there is no outcome within `wait` seconds
        (default: the settings') or when the broker was lost after the command may have reached it.
        """
        (outcome,) = self._begin([_envelope(command, actor, key, request_id)], wait)()
        if isinstance(outcome, OutcomeUnknown):
            raise outcome
        return outcome

    def dispatch_many(
        self,
        commands: Sequence[Command],
        *,
        actor: Actor | Sequence[Actor] = ANONYMOUS,
        key: str | None = None,
        wait: float | None = None,
        request_id: str = "",
    ) -> list[Outcome | OutcomeUnknown]:
        """The outcomes of several commands of one lane, in their order, with OutcomeUnknown in the place of each that did not come in time.

        They are wanted by one actor, or each by its own. They are appended together or not at all and carried out one by one; the n-th has
        the key `<key>/<n>`. Raises as `dispatch` does when none was accepted, or nobody knows of any.
        """
        return self.begin_many(commands, actor=actor, key=key, wait=wait, request_id=request_id)()

    def begin_many(
        self,
        commands: Sequence[Command],
        *,
        actor: Actor | Sequence[Actor] = ANONYMOUS,
        key: str | None = None,
        wait: float | None = None,
        request_id: str = "",
    ) -> Callable[[], list[Outcome | OutcomeUnknown]]:
        """As `dispatch_many`, in two steps: when it returns, the journal has the commands; the function that it returns waits for the outcomes.

        Both steps belong to one thread, and nothing else may be dispatched by it between them.
        """
        names = [None if key is None else f"{key}/{number}" for number in range(len(commands))]
        actors = [actor] * len(commands) if isinstance(actor, Actor) else actor
        envelopes = [_envelope(command, who, name, request_id) for command, who, name in zip(commands, actors, names, strict=True)]
        if len({envelope.command.lane for envelope in envelopes}) > 1:
            raise ValueError("commands of several lanes cannot be appended together")
        return self._begin(envelopes, wait) if envelopes else list

    def submit(self, command: Command, *, actor: Actor = ANONYMOUS, key: str | None = None, request_id: str = "") -> tuple[str, str]:
        """Append without waiting. Returns the receipt's id, and the key under which the command can be repeated.

        The journal has it, SQL does not yet. Raises as `dispatch` does.
        """
        id = new_id()
        envelope = Envelope(id, command, actor, datetime.now(UTC), request_id=request_id, key=key or id)
        self._append(self._line(), [envelope], [], APPEND_SECONDS)
        return receipt_id(actor, key or id), key or id

    def wait_at(self, name: str, seconds: float) -> bytes | None:
        """What somebody puts at a list of the broker, None when nothing comes in time. On the line on which this thread waits for outcomes.

        Raises Unavailable, or one of redis-py's ConnectionError and TimeoutError.
        """
        line = self._line()
        try:
            return line.wait(name, seconds, MARGIN_SECONDS)
        except (*LOST, broken.ResponseError):
            line.drop()
            raise

    def _begin(self, envelopes: Sequence[Envelope], wait: float | None) -> Callable[[], list[Outcome | OutcomeUnknown]]:
        seconds = self._settings.wait if wait is None else wait
        deadline = monotonic() + seconds
        line = self._line()
        # The waiting goes out together with the append: one journey, and Redis is already waiting when the outcome comes.
        # A timeout of zero would mean for ever.
        waits = [("BLPOP", keys.reply(envelope.id), max(seconds, 0.01)) for envelope in envelopes]
        self._append(line, envelopes, waits, max(seconds, APPEND_SECONDS))
        return lambda: [_outcome(line, envelope, deadline, last=envelope is envelopes[-1]) for envelope in envelopes]

    def _line(self) -> Line:
        """This thread's connection, connected. Raises Unavailable."""
        line: Line | None = getattr(self._mine, "line", None)
        if line is None:
            line = self._mine.line = Line(self._pool)
        line.ready()
        return line

    def _append(self, line: Line, envelopes: Sequence[Envelope], waits: Sequence[tuple[str, str, float]], seconds: float) -> None:
        """Append all or none, and ring when told to."""
        lane = envelopes[0].command.lane
        group = keys.flush_group(lane, self._settings.one_writer)
        names = (keys.journal(lane), keys.LANES, keys.EPOCH, keys.bell(group))
        arguments = (lane, new_id(), keys.BELL_MS, keys.JOURNAL_LIMIT, *map(keys.encode, envelopes))
        try:
            last, rung = line.append(names, arguments, waits, seconds)
        except (broken.ResponseError, broken.BusyLoadingError) as error:
            line.drop()
            log.warning("append_declined", lane=lane, envelope=envelopes[0].id, error=repr(error))
            raise Unavailable("The broker declined; nothing was accepted.") from error
        except LOST as error:
            line.drop()
            log.warning("append_lost", lane=lane, envelope=envelopes[0].id, error=repr(error))
            raise _unknown(envelopes[0], appended=False) from error
        if not last:
            line.drop()  # it waits for replies that will never come
            raise Overloaded
        if rung:
            self._ring(group)

    def _ring(self, group: str) -> None:
        try:
            # The queue as an object, which its type does not know: those of single connections are in no list.
            queue: Any = Queue(keys.queue_of(group))
            self._producer.send_task("flush", [group], queue=queue, expires=RING_EXPIRES)
        except Exception as error:  # noqa: BLE001 - whatever a broker's driver raises, the command is in the journal and the sweep will ring
            log.warning("ring_failed", group=group, error=repr(error))

    @cached_property
    def _producer(self) -> Celery:
        """Celery, only to send; its settings are the workers' (tasks/worker.py)."""
        producer = Celery("ultravisor", broker=self._settings.broker_url, set_as_current=False)
        producer.conf.update(
            task_serializer="json",
            accept_content=["json"],
            task_ignore_result=True,
            task_create_missing_queues=False,
            task_queues=[Queue("flush")],
            task_default_queue="flush",
            task_publish_retry_policy={"max_retries": 2, "interval_start": 0.05, "interval_step": 0.2, "interval_max": 0.5},
            broker_connection_timeout=2,
            broker_pool_acquire_timeout=2,
            broker_transport_options={"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 2, "socket_keepalive": True},
        )
        return producer


def dispatcher() -> Dispatcher:
    """The dispatcher of the running app."""
    found: Dispatcher = current_app.extensions["dispatcher"]
    return found


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid_utils.uuid7())


def _envelope(command: Command, actor: Actor, key: str | None, request_id: str) -> Envelope:
    return Envelope(new_id(), command, actor, datetime.now(UTC), request_id=request_id, waited=True, key=key)


def _outcome(line: Line, envelope: Envelope, deadline: float, last: bool) -> Outcome | OutcomeUnknown:
    """The next reply on the line, which is this envelope's: Redis carries out what one connection sends in its order."""
    if not line.open:
        return _unknown(envelope, appended=True)
    try:
        reply = line.read(max(deadline - monotonic(), 0.0) + MARGIN_SECONDS)
    except (*LOST, broken.ResponseError) as error:
        line.drop()
        log.warning("reply_lost", lane=envelope.command.lane, envelope=envelope.id, error=repr(error))
        return _unknown(envelope, appended=True)
    if reply is not None:
        return decode(reply[1])
    if not last:
        line.drop()  # the server would wait the whole time again for each of the others
    return _unknown(envelope, appended=True)


def _unknown(envelope: Envelope, appended: bool) -> OutcomeUnknown:
    """`appended` tells whether the journal is known to have the command."""
    return OutcomeUnknown(key=envelope.key or envelope.id, receipt=envelope.receipt, appended=appended)
