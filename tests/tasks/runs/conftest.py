"""A hub with operations, without processes: the real journal, the real flush, on each engine; workers' tasks are carried out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from schema.base import Command
from schema.runs.commands import AbandonRun, AnswerInput, RetryRun, SaveOperation, StartOperation
from schema.runs.ids import run_hash_of
from schema.settings import Settings
from tasks import journal, streams, sweep, unit
from tasks.kernel import Kernel, broker, clock, new_id
from tasks.runs import clock as running
from tasks.runs.execute import execute
from tasks.worker import FORESIGHTS, LISTENERS, VERBS
from tests.tasks.filling import fill
from tests.tasks.hub.conftest import Clock, Hub


@dataclass
class House(Hub):
    """A hub that has operations, too. `calls` are the messages to workers that would have been sent."""

    calls: list[tuple[str, tuple[Any, ...], float]] = field(default_factory=list)

    def flush(self) -> None:
        """Carry out what waits in all lanes, and what comes of it."""
        while waiting := streams.waiting(self.kernel.redis, self.kernel.settings.one_writer):
            for group in waiting:
                assert journal.flush(self.kernel, group, "test")

    def save(self, document: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.done(SaveOperation(hub=self.id, operation_hash=document.get("Hash", ""), document=document, **more))[0]

    def start(self, operation: str = "op", **more: Any) -> str:
        hash = more.pop("run_hash", "") or run_hash_of(operation, clock(), new_id())
        self.done(StartOperation(hub=self.id, run_hash=hash, operation_hash=operation, **({"parameters": {}} | more)))
        return hash

    def started(self, document: dict[str, Any], **more: Any) -> str:
        self.save(document)
        return self.start(document["Hash"], **more)

    def answer(self, run: str, node: str, value: Any) -> Command:
        return AnswerInput(hub=self.id, run_hash=run, node_hash=node, value=value)

    def abandon(self, run: str) -> Command:
        return AbandonRun(hub=self.id, run_hash=run, reason="enough")

    def retry(self, run: str, node: str = "", **overrides: Any) -> Command:
        return RetryRun(hub=self.id, run_hash=run, node_hash=node, overrides=overrides or None)

    def run(self, hash: str) -> Any:
        (row,) = self.rows("SELECT * FROM runs_run WHERE run_hash = :hash", hash=hash)
        return row

    def status(self, hash: str) -> str:
        return str(self.run(hash).status)

    def node(self, run: str, node: str) -> Any:
        (row,) = self.rows("SELECT * FROM runs_node WHERE run_hash = :run AND node_hash = :node", run=run, node=node)
        return row

    def kinds(self, run: str) -> list[str]:
        found = self.rows("SELECT event_type, node_hash FROM runs_event WHERE run_hash = :run ORDER BY seq", run=run)
        return [f"{row.event_type} {row.node_hash}".strip() for row in found]

    def errors(self, run: str) -> list[str]:
        found = self.rows("SELECT payload FROM runs_event WHERE run_hash = :run AND event_type = 'TaskError' ORDER BY seq", run=run)
        return [(row.payload if isinstance(row.payload, dict) else orjson.loads(row.payload))["Message"] for row in found]

    def offers(self, beacon: str) -> list[dict[str, Any]]:
        """What the beacon has been given, by node."""
        return self.inbox(beacon)

    def work(self) -> int:
        """What workers would do: carry out the tasks that they were rung for. Returns how many were."""
        calls, self.calls[:] = list(self.calls), []
        done = sum(execute(self.kernel, *arguments) for name, arguments, _ in calls if name == "execute")
        self.flush()
        return done

    def pass_time(self, seconds: float) -> None:
        """The clock goes on, and beat looks at it."""
        self.clock.ahead = (self.clock.ahead or timedelta()) + timedelta(seconds=seconds)
        running.watch(self.kernel)
        self.flush()

    def sweep(self) -> None:
        """What is found after a while of silence."""
        self.clock.ahead = (self.clock.ahead or timedelta()) + timedelta(seconds=120)
        sweep.sweep(self.kernel)
        self.flush()

    def audit(self) -> None:
        super().audit()
        self.audit_runs()

    def audit_runs(self) -> None:
        """What must hold of runs after whatever was done."""
        assert not self.rows("SELECT id FROM ledger_order")
        gaps = "SELECT run_hash FROM runs_event GROUP BY run_hash HAVING max(seq) <> count(*) OR min(seq) <> 1"
        assert not self.rows(gaps)
        assert not self.rows("SELECT r.run_hash FROM runs_run r WHERE r.seq <> (SELECT count(*) FROM runs_event e WHERE e.run_hash = r.run_hash)")
        busy = "('Working', 'Executing', 'Launched', 'Paused')"
        counted = f"(SELECT count(*) FROM runs_node n WHERE n.run_hash = r.run_hash AND n.status IN {busy})"
        assert not self.rows(f"SELECT r.run_hash FROM runs_run r WHERE r.active <> {counted}")
        waiting = "(SELECT count(*) FROM runs_node n WHERE n.run_hash = r.run_hash AND n.status = 'Waiting')"
        assert not self.rows(f"SELECT r.run_hash FROM runs_run r WHERE r.waiting <> {waiting}")
        ended = "(SELECT count(*) FROM runs_event e WHERE e.run_hash = r.run_hash AND e.event_type = 'ExecutionComplete')"
        again = "(SELECT count(*) FROM runs_event e WHERE e.run_hash = r.run_hash AND e.event_type = 'ExecutionRetry')"
        assert not self.rows(f"SELECT r.run_hash FROM runs_run r WHERE r.stopped_at IS NOT NULL AND {ended} <> 1 + {again}")


@pytest.fixture
def houses(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes a house on a database; takes settings."""
    made: list[House] = []

    def make(url: str, **given: Any) -> House:
        settings = Settings.read(
            {"DATABASE_URL": url, "REDIS_URL": redis_url, "UV_HUB": "h", "UV_DATA": str(tmp_path), "UV_UNIT_MS": "60000"} | given
        )
        engine, time = unit.connect(url), Clock()
        fill(engine)
        calls: list[tuple[str, tuple[Any, ...], float]] = []
        parts: dict[str, Any] = {"now": time, "foresights": FORESIGHTS, "listeners": LISTENERS}
        kernel = Kernel(settings, engine, broker(redis_url), VERBS, lambda group, delay: None, call=lambda *call: calls.append(call), **parts)
        made.append(House(kernel, time, calls=calls))
        return made[-1]

    yield make
    for house in made:
        house.kernel.engine.dispose()
        house.kernel.redis.close()


@pytest.fixture
def house(database_url: str, houses: Callable[..., House]) -> Iterator[House]:
    """A house on each engine, audited at the end."""
    found = houses(database_url)
    yield found
    found.flush()
    found.audit()


@pytest.fixture
def lite(sqlite_url: str, houses: Callable[..., House]) -> Iterator[House]:
    """A house on SQLite, for what no engine changes."""
    found = houses(sqlite_url)
    yield found
    found.flush()
    found.audit()
