"""What one worker process holds: its write engine, its broker connection, the clock, and the doorbell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
import sqlalchemy as sa
import uuid_utils
from redis.backoff import NoBackoff
from redis.retry import Retry

from schema.settings import Settings
from tasks.frame import Foresight, Verb
from tasks.unit import Listener

#: Rings a group's doorbell, after so many seconds: sends the Celery message that starts a flush.
Ring = Callable[[str, float], None]
#: Rings for a Celery task: its name, its arguments, and the seconds that it may take.
Call = Callable[[str, tuple[Any, ...], float], None]


def clock() -> datetime:
    """Now, in UTC, to the millisecond: what SQL keeps and what the wire shows are the same value."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_id() -> str:
    """A UUIDv7: unique, and in the order of its making."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True)
class Foreign:
    """A database that is not the hub's own, opened for writing. `key` names us in it; two hubs that write to one database have two keys."""

    engine: sa.Engine
    key: str


class Closed(Exception):
    """A foreign database that is not to be had, for a reason that time alone does not change. `code` is a word of `schema.errors.CODES`."""

    def __init__(self, text: str, code: str = "unsupported") -> None:
        super().__init__(text)
        self.code = code


def _nowhere(_: Kernel, lane: str) -> Foreign:
    raise Closed(f"nobody has said how to open the database of {lane}")


@dataclass(frozen=True, slots=True)
class Kernel:
    """Made once per process, after the fork."""

    settings: Settings
    engine: sa.Engine
    redis: redis.Redis
    verbs: Mapping[str, Verb]
    ring: Ring
    now: Callable[[], datetime] = clock
    new_id: Callable[[], str] = new_id
    #: Milliseconds that an idle flush waits for the next entry before it lets go: spares a busy lane one message per command.
    linger_ms: int = 20
    #: By the names of commands, as the verbs are; most verbs need none.
    foresights: Mapping[str, Foresight] = field(default_factory=dict)
    #: Opens the database of a lane whose kind has one of its own. Raises Closed.
    open: Callable[[Kernel, str], Foreign] = _nowhere
    #: Hears the events of each unit after its commit; what is missed is made good by the sweep.
    listen: Callable[[Sequence[Sequence[Any]]], None] = lambda events: None
    #: By the names of what happens: what one domain does and another, of a higher rank, must know in the same commit.
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    call: Call = field(default=lambda task, arguments, seconds: None)


def broker(url: str) -> redis.Redis:
    """A connection to the journal's Redis that fails in seconds, never hangs.

    The library would repeat a call whose answer is missing, ten times by default. We do not: an append that is repeated is made
    twice, and a flush is repeated as a whole anyway.
    """
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=0, retry=Retry(NoBackoff(), 0))
