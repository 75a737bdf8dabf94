"""The other side of the journal, in a thread: it answers the doorbells that the web process really sends, with the product's own flush."""

from __future__ import annotations

import threading
from base64 import b64decode
from typing import Any

import orjson
import redis
import sqlalchemy as sa

from schema import envelope as keys
from schema.ledger.tables import dead_letter
from schema.settings import Settings
from tasks import flushing, migrations, unit
from tasks.failures import is_transient
from tasks.gateway import opening
from tasks.kernel import Kernel, broker, clock, new_id
from tasks.worker import VERBS

AGAIN = "test:again"


class Worker:
    """Carries out what is dispatched while it runs. It need not run: then nobody answers."""

    def __init__(self, settings: Settings) -> None:
        self.kernel = Kernel(settings, unit.connect(settings.database_url), broker(settings.redis_url), VERBS, self._ring, open=opening.foreign)
        self.rung = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def migrate(self) -> Worker:
        migrations.upgrade(self.kernel.engine)
        return self

    def start(self) -> Worker:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        self.stop()
        self.kernel.redis.close()
        self.kernel.engine.dispose()

    def flush(self, group: str = "@control") -> None:
        """What the sweep would cause."""
        flushing.flush(self.kernel, group, new_id())

    def bury(self, **fields: Any) -> str:
        """Lay something among the dead letters. Returns its id."""
        id = new_id()
        row = {"id": id, "lane": "ledger", "command": "ledger.discard", "actor": "anonymous:", "error": "Error: why", "traceback": "Traceback: where"}
        with self.kernel.engine.begin() as connection:
            connection.execute(sa.insert(dead_letter).values({**row, "tries": 5, "envelope": "{}", "died_at": clock(), **fields}))
        return id

    def count(self, table: sa.Table) -> int:
        with self.kernel.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def _ring(self, group: str, delay: float) -> None:
        """To whoever of the two serves such groups."""
        self.kernel.redis.rpush(f"{AGAIN}:{keys.queue_of(group).partition('.')[0]}", group)

    def queues(self) -> list[str]:
        """The lists in which Celery lays its messages for this worker."""
        return ["flush", f"{AGAIN}:flush"]

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                found: Any = self.kernel.redis.blpop(self.queues(), timeout=0.1)
                if found:
                    again = found[0].startswith(AGAIN.encode())
                    self.rung += not again
                    self.flush(found[1].decode() if again else _group(found[1]))
            except Exception as error:
                if not is_transient(error):
                    raise
                self._ended.wait(0.05)


class Databeacon(Worker):
    """Serves the first connections of a hub."""

    def close(self) -> None:
        super().close()
        opening.close_all()

    def queues(self) -> list[str]:
        return [*(f"gateway.{id}" for id in range(10)), f"{AGAIN}:gateway"]


def _group(message: bytes) -> str:
    """The group in a message as Celery lays it into Redis."""
    outer = orjson.loads(message)
    assert outer["headers"]["task"] == "flush"
    args, _, _ = orjson.loads(b64decode(outer["body"]))
    return str(args[0])


def pending(client: redis.Redis, lane: str = "ledger") -> int:
    """How many envelopes lie in a lane."""
    return int(client.xlen(f"uv:journal:{lane}"))
