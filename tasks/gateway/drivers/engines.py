"""Engines on foreign databases, each with bounds for every wait. The only place that opens one.

`purpose` says what for: `write` (changes rows), `ask` and `study` (only read, the one quickly, the other with patience), `build` (changes the
shape). A session that reads cannot write, on any engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import sqlalchemy as sa

from schema.gateway.rules.kinds import Kind, Place
from tasks.unit import give_up_interrupted

#: Seconds that a statement may take, by purpose; for `build` until it is done.
STATEMENT_SECONDS = {"write": 3.0, "ask": 3.0, "study": 30.0, "build": 0.0}
#: Seconds that a statement waits for somebody else's lock.
LOCK_SECONDS = {"write": 1.5, "ask": 1.5, "study": 5.0, "build": 30.0}
CONNECT_SECONDS = 5
#: Steps of SQLite's machine between two looks at the clock: about a millisecond.
STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a session of a purpose may do, and for how long."""

    reads: bool
    statement: float
    lock: float


def bounds(purpose: str) -> Bounds:
    return Bounds(purpose in ("ask", "study"), STATEMENT_SECONDS[purpose], LOCK_SECONDS[purpose])


def open_engine(kind: Kind, place: Place, password: str, purpose: str) -> sa.Engine:
    """An engine that has not connected yet. Raises ModuleNotFoundError where the driver is not installed."""
    engine = _OPENERS[kind.engine](kind, place, password, bounds(purpose))
    sa.event.listen(engine, "handle_error", give_up_interrupted)
    return engine


def _common(place: Place) -> dict[str, Any]:
    size = min(place.pool or 2, 5)
    return {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "hide_parameters": True,  # what people store is nothing for a log
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": CONNECT_SECONDS,
    }


def _url(kind: Kind, place: Place, password: str, query: dict[str, str]) -> sa.URL:
    host = None if place.socket else place.host
    return sa.URL.create(kind.scheme, place.user or None, password or None, host, None if place.socket else place.port, place.database, query)


def _sqlite(kind: Kind, place: Place, password: str, limits: Bounds) -> sa.Engine:
    file = Path(place.file)
    url = sa.make_url(f"sqlite:///{file.as_uri()}?mode=ro&uri=true") if limits.reads else sa.URL.create("sqlite", database=str(file))
    engine = sa.create_engine(url, connect_args={"timeout": limits.lock, "check_same_thread": False}, **_common(place))
    deadline = {"at": 0.0}

    def prepare(dbapi: Any, _: Any) -> None:
        dbapi.isolation_level = None  # the driver must not open transactions of its own
        dbapi.execute(f"PRAGMA busy_timeout={int(limits.lock * 1000)}")
        dbapi.execute("PRAGMA foreign_keys=ON")
        if limits.reads:
            dbapi.execute("PRAGMA query_only=ON")
        else:
            dbapi.execute("PRAGMA journal_mode=WAL")
            dbapi.execute("PRAGMA synchronous=NORMAL")
        if limits.statement:
            dbapi.set_progress_handler(lambda: deadline["at"] and monotonic() > deadline["at"], STEPS)

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if limits.reads else "BEGIN IMMEDIATE")

    def start(*_: Any) -> None:
        deadline["at"] = monotonic() + limits.statement

    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", begin)
    if limits.statement:
        sa.event.listen(engine, "before_cursor_execute", start)
    return engine


def _postgresql(kind: Kind, place: Place, password: str, limits: Bounds) -> sa.Engine:
    options = [f"-c lock_timeout={int(limits.lock * 1000)}", f"-c statement_timeout={int(limits.statement * 1000)}"]
    options += ["-c default_transaction_read_only=on"] if limits.reads else []
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "options": " ".join(options), "application_name": "ultravisor"}
    url = _url(kind, place, password, {"host": place.socket} if place.socket else {})
    isolation = "REPEATABLE READ" if limits.reads else "READ COMMITTED"
    return sa.create_engine(url, connect_args=arguments, isolation_level=isolation, pool_pre_ping=True, **_common(place))


def _mysql(kind: Kind, place: Place, password: str, limits: Bounds) -> sa.Engine:
    patience = limits.statement + limits.lock + 5 if limits.statement else 3_600
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "read_timeout": patience, "write_timeout": patience, "local_infile": False}
    query = {"charset": "utf8mb4"} | ({"unix_socket": place.socket} if place.socket else {})
    url = _url(kind, place, password, query)
    if place.socket:
        url = url.set(host="localhost")
    isolation = "REPEATABLE READ" if limits.reads else "READ COMMITTED"
    engine = sa.create_engine(url, connect_args=arguments, isolation_level=isolation, pool_pre_ping=True, **_common(place))

    def prepare(dbapi: Any, _: Any) -> None:
        with dbapi.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
            cursor.execute("SET SESSION time_zone = '+00:00'")
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {max(int(limits.lock), 1)}, lock_wait_timeout = {max(int(limits.lock), 1)}")
            if limits.statement:
                _bound_statements(engine, cursor, limits.statement)
            if limits.reads:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
        dbapi.commit()

    sa.event.listen(engine, "connect", prepare)
    return engine


def _bound_statements(engine: sa.Engine, cursor: Any, seconds: float) -> None:
    """MariaDB bounds every statement, in seconds; MySQL only SELECT, in milliseconds."""
    cursor.execute("SELECT VERSION()")
    if "mariadb" in str(cursor.fetchone()[0]).lower():
        cursor.execute(f"SET SESSION max_statement_time = {seconds}")
    else:
        cursor.execute(f"SET SESSION max_execution_time = {int(seconds * 1000)}")


def _mssql(kind: Kind, place: Place, password: str, limits: Bounds) -> sa.Engine:
    arguments: dict[str, Any] = {"login_timeout": CONNECT_SECONDS, "timeout": int(limits.statement)}
    url = _url(kind, place, password, {"charset": "UTF-8"})
    engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, **_common(place))

    def prepare(dbapi: Any, _: Any) -> None:
        cursor = dbapi.cursor()
        cursor.execute(f"SET LOCK_TIMEOUT {int(limits.lock * 1000)}; SET XACT_ABORT OFF")
        cursor.close()

    sa.event.listen(engine, "connect", prepare)
    return engine


_OPENERS: dict[str, Callable[[Kind, Place, str, Bounds], sa.Engine]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mssql": _mssql,
}
