"""The kernel in the test's own process, on real services, with a clock and a doorbell that the test holds in its hands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import redis
import sqlalchemy as sa

from schema import envelope as keys
from schema.base import Actor, Command
from schema.envelope import Envelope, encode
from schema.outcome import Outcome, decode
from schema.settings import Settings
from tasks import journal, outbox, streams, sweep, unit
from tasks.frame import Verb
from tasks.kernel import Kernel, broker, clock, new_id
from tests.tasks import shelf

ADA = Actor("user", "ada")
#: A lane of the test domain.
A = "shelf/a"


@dataclass
class Clock:
    """The kernel's clock; `ahead` sets it forward or, when negative, back."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return clock() + self.ahead


@dataclass
class Rig:
    """One worker without Celery: `rings` are the messages it would have sent."""

    kernel: Kernel
    clock: Clock
    rings: list[tuple[str, float]] = field(default_factory=list)

    @property
    def redis(self) -> redis.Redis:
        return self.kernel.redis

    @property
    def engine(self) -> sa.Engine:
        return self.kernel.engine

    def group(self, lane: str = A) -> str:
        return keys.flush_group(lane, self.kernel.settings.one_writer)

    # What the edge does

    def send(self, *commands: Command, key: str | None = None, waited: bool = False, actor: Actor = ADA, **more: Any) -> list[Envelope]:
        """Append commands in one go, as the edge does."""
        envelopes = [Envelope(new_id(), command, actor, clock(), key=key, waited=waited, **more) for command in commands]
        self.append(envelopes)
        return envelopes

    def append(self, envelopes: Iterable[Envelope]) -> None:
        outbox.append(self.kernel, [(envelope.command.lane, encode(envelope)) for envelope in envelopes])

    def answer(self, envelope: Envelope) -> Outcome | None:
        """Take what was answered, None when there is no answer."""
        text: bytes | None = self.redis.lpop(keys.reply(envelope.id))  # type: ignore[assignment]  # the client is synchronous
        return None if text is None else decode(text)

    def answers(self, envelopes: Iterable[Envelope]) -> list[Outcome | None]:
        return [self.answer(envelope) for envelope in envelopes]

    # What workers and time do

    def flush(self, lane: str = A, holder: str = "test") -> bool:
        """One flush of the lane's group. Returns False when another one is at it."""
        return journal.flush(self.kernel, self.group(lane), holder)

    def drain(self) -> None:
        """Flush, as the doorbell would, until nothing waits that can be carried out now."""
        while waiting := self._ready():
            for group in waiting:
                assert journal.flush(self.kernel, group, "drain"), f"{group} has another flush"

    def _ready(self) -> list[str]:
        waiting = streams.waiting(self.redis, self.kernel.settings.one_writer)
        return [group for group, lanes in waiting.items() if len(streams.held(self.redis, lanes)) < len(lanes)]

    def pass_time(self, seconds: float = 120) -> None:
        """Leases, bells and holds run out, and the clock goes on."""
        expired = [key for pattern in ("lease", "bell", "hold") for key in self.redis.scan_iter(f"uv:{pattern}:*")]
        if expired:
            self.redis.delete(*expired)
        self.clock.ahead += timedelta(seconds=seconds)

    def recover(self) -> None:
        """What happens by itself after a crash, given time: sweep and flush until all is quiet."""
        for _ in range(3):
            self.pass_time()
            self.drain()
            sweep.sweep(self.kernel)
        self.drain()

    # What an auditor reads

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a plain statement, in a transaction of its own."""
        with unit.look(self.engine) as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def names(self, lane: str | None = None) -> list[str]:
        """Names of all things, in the order in which they were put where the order is known: that of their ids."""
        return [row[0] for row in self.rows("SELECT name, lane FROM shelf_thing ORDER BY id") if lane is None or row[1] == lane]

    def position(self, lane: str = A) -> str | None:
        """Where the lane stands in this life of the broker."""
        epoch: bytes = self.redis.get(keys.EPOCH)  # type: ignore[assignment]  # the client is synchronous
        found = self.rows("SELECT position FROM ledger_cursor WHERE lane = :lane AND epoch = :epoch", lane=lane, epoch=epoch.decode())
        return str(found[0][0]) if found else None

    def events(self, topic: str = "shelf") -> list[dict[str, Any]]:
        return [orjson.loads(entry[b"e"]) for _, entry in self.redis.xrange(keys.events(topic))]  # type: ignore[union-attr]  # as above

    def is_quiet(self) -> bool:
        """Nothing waits, nothing is owed."""
        return not self._ready() and self.count("ledger_outbox") == self.count("ledger_order") == 0


def kernel_on(database_url: str, redis_url: str, ring: Any, verbs: Mapping[str, Verb] | None = None, **settings: Any) -> tuple[Kernel, Clock]:
    """A kernel of its own connections. Its units have time enough: how many statements a batch needs must not depend on the machine."""
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "UV_UNIT_MS": "60000"} | settings
    now = Clock()
    kernel = Kernel(Settings.read(given), unit.connect(database_url), broker(redis_url), verbs or shelf.VERBS, ring, now)
    return kernel, now


@contextmanager
def rig_on(database_url: str, redis_url: str, verbs: Mapping[str, Verb] | None = None, **settings: Any) -> Iterator[Rig]:
    """A rig on a database that has its tables already."""
    rings: list[tuple[str, float]] = []
    kernel, now = kernel_on(database_url, redis_url, lambda group, delay: rings.append((group, delay)), verbs, **settings)
    try:
        yield Rig(kernel, now, rings)
    finally:
        kernel.redis.close()
        kernel.redis.connection_pool.disconnect()
        kernel.engine.dispose()


def with_verbs(rig: Rig, **verbs: Verb) -> Rig:
    """The same worker with other verbs for some commands of the shelf."""
    return Rig(replace(rig.kernel, verbs={**rig.kernel.verbs, **{f"shelf.{name}": verb for name, verb in verbs.items()}}), rig.clock, rig.rings)
