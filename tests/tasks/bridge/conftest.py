"""A hub whose rows are kept in a database of the operator's, on each engine; both without processes, and read by their drivers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from schema import envelope as keys
from schema.base import Actor, Command
from schema.bridge.commands import Assign, Clear, reader_of
from schema.envelope import Envelope, encode
from schema.gateway.tables import connection
from schema.outcome import Done, Outcome, Refused, decode
from tasks import flushing
from tasks.bridge import watching
from tasks.kernel import new_id
from tasks.outbox import append
from tests.tasks.gateway.targets import config_of
from tests.tasks.hub.conftest import Hub, hub  # noqa: F401 - a fixture

ENGINES = ("sqlite", "postgresql", "mariadb")


@dataclass
class Bridge:
    """A hub, and what becomes of its rows."""

    hub: Hub
    url: str
    connection: int = 1

    @property
    def reader(self) -> str:
        return reader_of(self.hub.id, self.connection)

    def know(self, url: str, name: str) -> int:
        """Know another connection. Returns its id."""
        kind, config = config_of(url)
        now = self.hub.clock()
        row = {"hub": self.hub.id, "guid": new_id(), "name": name, "slug": name, "kind": kind, "config": config, "secrets": "", "revision": 1}
        state = {"status": "Untested", "error": "", "connected": True, "auto_connect": False, "description": "", "databeacon": ""}
        made = {"created_at": now, "created_by": "t", "updated_at": now, "updated_by": "t"}
        with self.hub.kernel.engine.begin() as control:
            key = control.execute(sa.insert(connection).values(**row, **state, **made)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def assign(self, connection: int | None = None) -> dict[str, Any]:
        self.connection = connection or self.connection
        return self.carry_out(Assign(hub=self.hub.id, connection=self.connection))

    def clear(self) -> None:
        self.carry_out(Clear(hub=self.hub.id))

    def carry_out(self, command: Command) -> dict[str, Any]:
        """A command of the bridge's own lane, done."""
        outcome = self.answered(command)
        assert isinstance(outcome, Done), outcome
        return outcome.value

    def answered(self, command: Command) -> Outcome:
        envelope = Envelope(new_id(), command, Actor("user", "ada"), self.hub.clock(), waited=True)
        append(self.hub.kernel, [(command.lane, encode(envelope))])
        self.settle()
        return decode(self.hub.kernel.redis.lpop(keys.reply(envelope.id)))

    def asked(self, command: Command) -> dict[str, Any]:
        """What the databeacon answers."""
        outcome = self.outcome_of(command)
        assert isinstance(outcome, Done), outcome
        return outcome.value

    def refused(self, command: Command) -> str:
        outcome = self.outcome_of(command)
        assert isinstance(outcome, Refused), outcome
        return outcome.code

    def outcome_of(self, command: Command) -> Outcome:
        envelope = Envelope(new_id(), command, Actor("user", "ada"), self.hub.clock(), waited=True)
        append(self.hub.kernel, [(command.lane, encode(envelope))])
        assert flushing.flush(self.hub.kernel, command.lane, "check")
        return decode(self.hub.kernel.redis.lpop(keys.reply(envelope.id)))

    def mirror(self) -> None:
        """What the doorbell would cause, until nothing is left, and what is noted of it."""
        redis, noted = self.hub.kernel.redis, keys.mirror(self.hub.id)
        for _ in range(50):
            tries = redis.hget(noted, "tries")
            assert flushing.flush(self.hub.kernel, self.reader, "mirror")
            self.settle()
            if self._rests() or redis.hget(noted, "tries") not in (None, tries):
                return
        raise AssertionError("the mirror does not come to rest")

    def _rests(self) -> bool:
        """Whether it has caught up, is held back, or has nothing to do: on a slow machine one run ends before."""
        ((state, connection),) = self.hub.rows("SELECT state, connection_id FROM bridge_assignment WHERE hub = :h", h=self.hub.id)
        if connection != self.connection or self.hub.kernel.redis.exists(keys.hold(self.reader)):
            return True
        ((last,),) = self.hub.rows("SELECT last FROM ledger_feed WHERE hub = :h", h=self.hub.id)
        position = self.hub.kernel.redis.hget(keys.mirror(self.hub.id), "position")
        return state == "bootstrapped" and position is not None and int(position) >= last

    def settle(self) -> None:
        for lane in (f"bridge/{self.hub.id}", f"hub/{self.hub.id}"):
            while self.hub.kernel.redis.xlen(keys.journal(lane)):
                assert flushing.flush(self.hub.kernel, keys.flush_group(lane, self.hub.kernel.settings.one_writer), "test")

    def unhold(self) -> None:
        """Time passes."""
        self.hub.kernel.redis.delete(keys.hold(self.reader))

    def swept(self) -> list[str]:
        return watching.wake_all(self.hub.kernel)

    @property
    def state(self) -> str:
        return str(self.hub.rows("SELECT state FROM bridge_assignment")[0][0])

    @property
    def error(self) -> str:
        return str(self.hub.rows("SELECT error FROM bridge_assignment")[0][0])

    def there(self, statement: str, url: str | None = None, **parameters: Any) -> list[Any]:
        """Rows of the database over there, by its driver."""
        engine = sa.create_engine(url or self.url)
        try:
            with engine.connect() as connected:
                found = list(connected.execute(sa.text(statement), parameters))
                connected.rollback()
                return found
        finally:
            engine.dispose()

    def write_there(self, statement: str, **parameters: Any) -> None:
        engine = sa.create_engine(self.url)
        with engine.begin() as connected:
            connected.execute(sa.text(statement), parameters)
        engine.dispose()

    def table(self, name: str) -> str:
        return f'"{name}"' if "postgresql" in self.url else name

    def column(self, name: str) -> str:
        return self.table(name)

    def agree(self) -> None:
        """Both sides hold the same items, events and attempts, in the same states."""
        c = self.column
        mine = f"WHERE {c('UltravisorInstanceID')} = '{self.hub.id}' AND {c('Deleted')} = 0"
        items = self.there(f"SELECT {c('WorkItemHash')}, {c('Status')}, {c('AttemptNumber')} FROM {self.table('UVQueueWorkItem')} {mine}")
        assert sorted(map(tuple, items)) == sorted(map(tuple, self.hub.rows("SELECT work_item_hash, status, attempt_number FROM hub_work_item")))
        events = self.there(f"SELECT {c('WorkItemHash')}, {c('Seq')}, {c('EventGUID')} FROM {self.table('UVQueueWorkItemEvent')} {mine}")
        assert sorted(map(tuple, events)) == sorted(map(tuple, self.hub.rows("SELECT work_item_hash, seq, event_guid FROM hub_work_event")))
        attempts = self.there(f"SELECT {c('WorkItemHash')}, {c('AttemptNumber')}, {c('Outcome')} FROM {self.table('UVQueueWorkItemAttempt')} {mine}")
        found = self.hub.rows("SELECT work_item_hash, attempt_number, outcome FROM hub_work_attempt")
        assert sorted(map(tuple, attempts)) == sorted(map(tuple, found))


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The hub's own database: SQLite, where a test does not ask for another."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


@pytest.fixture(params=ENGINES)
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The operator's database, once for each engine."""
    if request.param == "sqlite":
        (tmp_path / "databases").mkdir(exist_ok=True)
        return f"sqlite:///{tmp_path / 'databases' / 'target.db'}"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def bridge(hub: Hub, target_url: str) -> Bridge:  # noqa: F811 - the fixture
    found = Bridge(hub, target_url)
    found.connection = found.know(target_url, "target")
    return found
