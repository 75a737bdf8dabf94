"""How fast a flush drains a full journal, against what bare loops over the same rows do in the same run."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import orjson
import redis
import sqlalchemy as sa

from bench.figures import Row, at_least, median
from bench.rig import Rig, rig
from schema import envelope as keys
from schema.base import ANONYMOUS, Command, command, lane_kind
from schema.envelope import Envelope, encode
from schema.outcome import Done, Outcome
from tasks import journal, outbox, unit
from tasks.kernel import Kernel, broker, clock, new_id
from tasks.streams import next_id
from tasks.unit import Unit

LANE = lane_kind("bench")
#: What a group's flush is called where one process writes the whole file.
GROUP = "@control"

Rows = Sequence[dict[str, Any]]

#: Not among the product's tables: no migration knows it.
thing = sa.Table(
    "bench_thing",
    sa.MetaData(),
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("text", sa.String(100), nullable=False),
)


@command("bench.put")
class Put(Command):
    """Insert one row."""

    n: int
    text: str

    @property
    def lane(self) -> str:
        return LANE.of()


def put(command: Put, unit: Unit) -> Outcome:
    """The most trivial verb that writes."""
    unit.add(thing, {"id": unit.new_id(), "n": command.n, "text": command.text})
    return Done({"N": command.n})


def measure(quick: bool) -> list[Row]:
    """The drain, and its ratio to what knows nothing of commands: several rounds, all side by side in each."""
    count, rounds = (2_000, 1) if quick else (50_000, 5)
    with rig() as hub:
        kernel = hub.kernel({Put.name: put})
        thing.create(kernel.engine)
        ways = {"kernel": _Drain(kernel), "loop": _Loop(hub), "core": _Core(hub), "driver": _Driver(hub)}
        rounds_taken = [_round(ways, count, hub.settings.batch) for _ in range(rounds)]
    return _rows(count, rounds_taken)


def _round(ways: Mapping[str, Way], count: int, batch: int) -> dict[str, float]:
    rows = [{"id": new_id(), "n": n, "text": f"hello {n}"} for n in range(count)]
    for way in ways.values():
        way.prepare(rows)
    return {name: way.insert(rows, batch) for name, way in ways.items()}


NAMES = {
    "loop": "a bare loop: XRANGE, JSON, new id, sqlite3 executemany",
    "core": "SQLAlchemy Core executemany",
    "driver": "bare sqlite3 executemany",
}


def _rows(count: int, taken: Sequence[Mapping[str, float]]) -> list[Row]:
    rows = [at_least("kernel: commands drained, one trivial insert each", 20_000, median([count / each["kernel"] for each in taken]), "/s")]
    for name, words in NAMES.items():
        rate = median([count / each[name] for each in taken])
        ratio = median([each[name] / each["kernel"] for each in taken])
        rows.append(Row(f"its ratio to {words}", ">= 0.4", f"{ratio:.2f} (of {rate:,.0f} /s)", round(ratio, 3), ratio >= 0.4))
    return rows


def fill(kernel: Kernel, commands: Sequence[Command], waited: bool = False) -> str:
    """Append commands to their journal, and ring for nobody. Returns the id of the last one, for whose answer somebody waits at any rate."""
    envelopes = [Envelope(new_id(), each, ANONYMOUS, clock(), waited=waited) for each in commands[:-1]]
    envelopes.append(Envelope(new_id(), commands[-1], ANONYMOUS, clock(), waited=True))
    for start in range(0, len(envelopes), 1_000):
        outbox.append(kernel, [(envelope.command.lane, encode(envelope)) for envelope in envelopes[start : start + 1_000]])
    return envelopes[-1].id


def empty(kernel: Kernel, last: str) -> float:
    """Flush until the last command is answered, one flush after the other. Returns the seconds up to then: an idle flush lingers afterwards."""
    with ThreadPoolExecutor(1) as pool:
        began = perf_counter()
        answered = pool.submit(_answered, kernel.settings.redis_url, last)
        while not answered.done():
            journal.flush(kernel, GROUP, "bench")
        return answered.result() - began


def _answered(url: str, last: str) -> float:
    """When the answer came."""
    with redis.Redis.from_url(url) as client:
        client.blpop([keys.reply(last)], timeout=120)
    return perf_counter()


class Way(Protocol):
    """One way to get rows into a file of its own."""

    def prepare(self, rows: Rows) -> None:
        """What is there before the clock starts."""

    def insert(self, rows: Rows, batch: int) -> float:
        """Insert them, so many per transaction. Returns the seconds."""


class _Drain:
    """Through the kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def prepare(self, rows: Rows) -> None:
        self._last = fill(self._kernel, [Put(n=row["n"], text=row["text"]) for row in rows])

    def insert(self, rows: Rows, batch: int) -> float:
        return empty(self._kernel, self._last)


class _Driver:
    """Tuples that are ready, into the driver."""

    file = "driver.db"

    def __init__(self, hub: Rig) -> None:
        self._connection = sqlite3.connect(Path(hub.settings.data) / self.file, isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", str(sa.schema.CreateTable(thing))):
            self._connection.execute(statement)

    def prepare(self, rows: Rows) -> None:
        self._values = [tuple(row.values()) for row in rows]

    def insert(self, rows: Rows, batch: int) -> float:
        began = perf_counter()
        for start in range(0, len(rows), batch):
            self._write(self._values[start : start + batch])
        return perf_counter() - began

    def _write(self, values: Sequence[tuple[Any, ...]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO bench_thing (id, n, text) VALUES (?, ?, ?)", values)
        self._connection.execute("COMMIT")


class _Loop(_Driver):
    """What nobody could leave out who reads commands from a stream: fetch, parse, make an id, insert."""

    file = "loop.db"

    def __init__(self, hub: Rig) -> None:
        super().__init__(hub)
        self._redis = broker(hub.settings.redis_url)

    def prepare(self, rows: Rows) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for row in rows:
            pipe.xadd("bench:loop", {"e": encode(Envelope(new_id(), Put(n=row["n"], text=row["text"]), ANONYMOUS, clock()))})
        pipe.execute()

    def insert(self, rows: Rows, batch: int) -> float:
        began = perf_counter()
        while entries := self._redis.xrange("bench:loop", count=batch):
            commands = [orjson.loads(fields[b"e"])["p"] for _, fields in entries]
            self._write([(new_id(), command["n"], command["text"]) for command in commands])
            self._redis.xtrim("bench:loop", minid=next_id(entries[-1][0].decode()), approximate=False)
        return perf_counter() - began


class _Core:
    """Dicts that are ready, into SQLAlchemy."""

    def __init__(self, hub: Rig) -> None:
        self._engine = unit.connect(f"sqlite:///{Path(hub.settings.data) / 'core.db'}")
        thing.create(self._engine)

    def prepare(self, rows: Rows) -> None:
        """Nothing."""

    def insert(self, rows: Rows, batch: int) -> float:
        statement = sa.insert(thing)
        began = perf_counter()
        for start in range(0, len(rows), batch):
            with self._engine.begin() as connection:
                connection.execute(statement, rows[start : start + batch])
        return perf_counter() - began
