"""A hub without processes: commands go through the real journal and the real flush, on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from schema import envelope as keys
from schema.base import ANONYMOUS, Command
from schema.envelope import Envelope, encode
from schema.hub.commands import HUB, CompleteWork, EnqueueWork, FailWork, ProgressWork, RegisterBeacon
from schema.outcome import Done, Outcome, Refused, decode
from schema.settings import Settings
from tasks import journal, unit
from tasks.kernel import Kernel, broker, clock, new_id
from tasks.outbox import append
from tasks.worker import FORESIGHTS, VERBS
from tests.tasks.filling import fill


@dataclass
class Clock:
    """The kernel's clock; a test may set it ahead."""

    ahead: Any = None

    def __call__(self) -> datetime:
        return clock() + self.ahead if self.ahead else clock()


@dataclass
class Hub:
    """One hub, and short words for what beacons and clients do to it."""

    kernel: Kernel
    clock: Clock
    id: str = "h"
    sent: list[str] = field(default_factory=list)

    def do(self, *commands: Command) -> list[Outcome]:
        """Carry commands out in one batch where the budget allows it. Returns their outcomes."""
        envelopes = [Envelope(new_id(), command, ANONYMOUS, clock(), waited=True) for command in commands]
        append(self.kernel, [(e.command.lane, encode(e)) for e in envelopes])
        self.flush()
        return [decode(self.kernel.redis.lpop(keys.reply(e.id))) for e in envelopes]

    def flush(self) -> None:
        """Carry out what waits."""
        group = keys.flush_group(HUB.of(self.id), self.kernel.settings.one_writer)
        while self.kernel.redis.xlen(keys.journal(HUB.of(self.id))):
            assert journal.flush(self.kernel, group, "test")

    def done(self, *commands: Command) -> list[dict[str, Any]]:
        outcomes = self.do(*commands)
        assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
        return [outcome.value for outcome in outcomes if isinstance(outcome, Done)]

    def refused(self, command: Command) -> str:
        (outcome,) = self.do(command)
        assert isinstance(outcome, Refused), outcome
        return outcome.code

    def register(self, name: str, slots: int = 4, capabilities: tuple[str, ...] = ("Shell",), **more: Any) -> str:
        given = {
            "action_schemas": [],
            "tags": {},
            "contexts": {},
            "bind_addresses": [],
            "shared_mounts": [],
            "host_id": None,
            "session_id": None,
            "presence_ms": 10_000,
        }
        command = RegisterBeacon(hub=self.id, beacon_name=name, capabilities=list(capabilities), max_concurrent=slots, **(given | more))
        return str(self.done(command)[0]["BeaconID"])

    def enqueue(self, count: int = 1, **more: Any) -> list[str]:
        given = {"hub": self.id, "capability": "Shell", "action": "Execute", "settings": {}, "metadata": {}}
        return [value["WorkItemHash"] for value in self.done(*[EnqueueWork(**(given | more)) for _ in range(count)])]

    def inbox(self, beacon: str) -> list[dict[str, Any]]:
        """Take everything out of a beacon's inbox."""
        return [orjson.loads(message) for message in self.kernel.redis.lpop(keys.inbox(self.id, beacon), 10_000) or []]

    def complete(self, hash: str, beacon: str | None = None, attempt: int | None = None, **outputs: Any) -> CompleteWork:
        return CompleteWork(hub=self.id, work_item_hash=hash, beacon_id=beacon, attempt=attempt, outputs=outputs, log=["done"])

    def fail(self, hash: str, beacon: str | None = None, attempt: int | None = None, error: str = "bad") -> FailWork:
        return FailWork(hub=self.id, work_item_hash=hash, beacon_id=beacon, attempt=attempt, error=error, log=[])

    def progress(self, hash: str, beacon: str | None = None, attempt: int | None = None, **more: Any) -> ProgressWork:
        return ProgressWork(hub=self.id, work_item_hash=hash, beacon_id=beacon, attempt=attempt, log=[], **more)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        with self.kernel.engine.connect() as connection:
            found = list(connection.execute(sa.text(statement), params))
            connection.rollback()
        return found

    def item(self, hash: str) -> Any:
        (row,) = self.rows("SELECT * FROM hub_work_item WHERE work_item_hash = :hash", hash=hash)
        return row

    def history(self, hash: str) -> list[tuple[int, str, str]]:
        found = self.rows("SELECT seq, event_type, to_status FROM hub_work_event WHERE work_item_hash = :hash ORDER BY seq", hash=hash)
        return [tuple(row) for row in found]

    def attempts(self, hash: str) -> list[tuple[int, str]]:
        found = self.rows("SELECT attempt_number, outcome FROM hub_work_attempt WHERE work_item_hash = :h ORDER BY attempt_number", h=hash)
        return [tuple(row) for row in found]

    def audit(self) -> None:
        """What must hold after whatever was done."""
        counted = {(r.status, r.n) for r in self.rows("SELECT status, count(*) AS n FROM hub_work_item GROUP BY status")}
        told = {(r.status, int(r.n)) for r in self.rows("SELECT status, sum(items) AS n FROM hub_tally GROUP BY status") if r.n}
        assert counted == told
        assert not self.rows("SELECT id FROM ledger_outbox")
        assert not self.rows("SELECT id FROM ledger_dead_letter")
        open_attempts = self.rows("SELECT work_item_hash FROM hub_work_attempt WHERE outcome = 'Running'")
        running = self.rows("SELECT work_item_hash FROM hub_work_item WHERE status IN ('Running', 'Stalled')")
        assert sorted(map(tuple, open_attempts)) == sorted(map(tuple, running))
        self.audit_permits()

    def audit_permits(self) -> None:
        """What is counted of each concurrency key is what the items say."""
        holds = "status IN ('Running', 'Stalled') OR (status = 'Pending' AND line NOT LIKE '#%')"
        counts = (
            f"SUM(CASE WHEN {holds} THEN 1 ELSE 0 END) AS held, SUM(CASE WHEN status = 'Pending' AND line LIKE '#%' THEN 1 ELSE 0 END) AS waiting"
        )
        items = self.rows(f"SELECT concurrency_key, {counts} FROM hub_work_item WHERE concurrency_key <> '' GROUP BY concurrency_key")
        told = self.rows("SELECT concurrency_key, held, waiting FROM hub_permit WHERE held > 0 OR waiting > 0")
        assert sorted((r[0], int(r[1]), int(r[2])) for r in items if r[1] or r[2]) == sorted(map(tuple, told))
        crowded = "SELECT concurrency_key FROM hub_work_item WHERE status = 'Pending' AND line LIKE '#%' GROUP BY concurrency_key, concurrency_limit"
        idle = self.rows(
            f"{crowded} HAVING MIN(concurrency_limit) > (SELECT held FROM hub_permit p WHERE p.concurrency_key = hub_work_item.concurrency_key)"
        )
        assert not idle, "somebody waits for a permit that is free"


@pytest.fixture
def hub(database_url: str, redis_url: str, tmp_path: Any) -> Iterator[Hub]:
    environment = {"UV_DATA": str(tmp_path), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "UV_HUB": "h"}
    settings = Settings.read(environment)
    engine = unit.connect(database_url)
    fill(engine)
    time = Clock()
    ring: Callable[[str, float], None] = lambda group, delay: None  # noqa: E731 - one line says it
    found = Hub(Kernel(settings, engine, broker(redis_url), VERBS, ring, now=time, foresights=FORESIGHTS), time)
    yield found
    found.audit()
    engine.dispose()
    found.kernel.redis.close()
