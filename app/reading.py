"""The only way in which the web process sees the system of record: on handles that cannot write, and only when the database is complete.

Who asks does not choose the handle. SQLite files are opened `mode=ro` with `query_only` and an authorizer that knows nothing but
reading; server sessions are read-only, with a role that may only SELECT where the operator gives one (DATABASE_READ_URL). On all
of them a statement that does not begin as a question is refused before it is sent.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
import structlog
from flask import current_app
from sqlalchemy import exc

from app.completeness import everything, missing_in
from app.outages import is_outage
from app.seal import WriteTried
from schema.errors import NotReady, Unavailable
from schema.settings import Settings

log = structlog.get_logger()

#: Sessions that one web process holds on a server database, of each of its two kinds; a SQLite file has one handle for each thread.
SERVER_SESSIONS = 10
#: Seconds that a question waits for a free session.
SESSION_SECONDS = 5
#: Seconds after which a server gives a question up.
QUESTION_SECONDS = 30

#: The statements asked in this context, while somebody records them.
_recorded: ContextVar[list[str] | None] = ContextVar("recorded", default=None)


class Reader:
    """One per web process, made after the fork; connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._url = sa.make_url(settings.database_read_url)
        self._threads = settings.web_threads
        self._complete = False

    def ask(self, statement: sa.Executable, params: Mapping[str, Any] | None = None) -> Sequence[sa.RowMapping]:
        """All rows of one question. Raises NotReady while the database is incomplete, Unavailable while it does not answer."""
        self.require()
        with self._judging():
            try:
                return self._ask(statement, params)
            except exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return self._ask(statement, params)  # the server had closed an idle session; a question may be asked twice

    def plain(self, statement: sa.Executable, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """As `ask`, with rows as dictionaries of their own: of thousands of rows that costs half."""
        self.require()
        with self._judging():
            try:
                return self._plain(statement, params)
            except exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return self._plain(statement, params)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Several questions on one state of the database. Raises as `ask` does."""
        self.require()
        with self._judging(), self._snapshot.connect() as connection:
            yield connection

    def require(self) -> None:
        """Raises NotReady, with all that is missing, unless the database is complete."""
        if not self._complete and (lacking := self.missing()):
            raise NotReady(Missing=lacking)

    def missing(self) -> list[str]:
        """Tables and columns that this release needs and the database lacks. Once it is complete it is not looked at again.

        Raises Unavailable when the database does not answer.
        """
        if self._complete:
            return []
        file = _file_of(self._url)
        if file is not None and not file.exists():
            return everything()
        try:
            with self._single.connect() as connection:
                lacking = missing_in(connection)
        except exc.SQLAlchemyError as error:
            raise _unavailable(error) from error
        self._complete = not lacking
        return lacking

    def dispose(self) -> None:
        """Close all handles."""
        self._single.dispose()
        self._snapshot.dispose()

    def _ask(self, statement: sa.Executable, params: Mapping[str, Any] | None) -> Sequence[sa.RowMapping]:
        with self._single.connect() as connection:
            return connection.execute(statement, params).mappings().all()

    def _plain(self, statement: sa.Executable, params: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        with self._single.connect() as connection:
            result = connection.execute(statement, params)
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=False)) for row in result.all()]

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """A failed question may mean that a table or the server is gone since we looked: look again before it counts as our fault."""
        try:
            yield
        except (exc.DBAPIError, exc.TimeoutError) as error:
            self._complete = False
            if lacking := self.missing():
                raise NotReady(Missing=lacking) from error
            if is_outage(error):
                raise _unavailable(error) from error
            raise

    @cached_property
    def _single(self) -> sa.Engine:
        """For single questions: no transaction around them, so that a server is asked once and not three times."""
        return _engine(self._url, self._threads, "AUTOCOMMIT")

    @cached_property
    def _snapshot(self) -> sa.Engine:
        """For several questions on one state."""
        return _engine(self._url, self._threads, "REPEATABLE READ")


def _engine(url: sa.URL, threads: int, isolation: str) -> sa.Engine:
    common: dict[str, Any] = {"json_deserializer": orjson.loads, "hide_parameters": True, "max_overflow": 0, "pool_timeout": SESSION_SECONDS}
    file = _file_of(url)
    if file is not None:
        engine = sa.create_engine(url, creator=lambda: _read_only_file(file), pool_size=threads, **common)
        if isolation != "AUTOCOMMIT":
            sa.event.listen(engine, "begin", lambda connection: connection.connection.driver_connection.execute("BEGIN"))
    else:
        # Idle sessions that a server closed are found by asking before a snapshot begins; single questions are asked again.
        ping = isolation != "AUTOCOMMIT"
        engine = sa.create_engine(
            url, connect_args=_read_only_session(url), isolation_level=isolation, pool_pre_ping=ping, pool_size=SERVER_SESSIONS, **common
        )
    sa.event.listen(engine, "before_cursor_execute", _only_questions)
    return engine


def _file_of(url: sa.URL) -> Path | None:
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def _read_only_session(url: sa.URL) -> dict[str, Any]:
    """What makes a server open a session in which a write is an error."""
    if url.get_backend_name() == "postgresql":
        given = url.query.get("options", "")
        options = f"{given} -c default_transaction_read_only=on -c statement_timeout={QUESTION_SECONDS}s"
        return {"options": options.strip(), "connect_timeout": 3}
    return {"init_command": "SET SESSION TRANSACTION READ ONLY", "connect_timeout": 3, "read_timeout": QUESTION_SECONDS}


class _ReadOnlyFile(sqlite3.Connection):
    """A handle that keeps its authorizer and its limits."""

    def set_authorizer(self, *_: Any) -> None:
        raise WriteTried("set_authorizer")

    def setlimit(self, *_: Any) -> int:
        raise WriteTried("setlimit")

    def enable_load_extension(self, *_: Any) -> None:
        raise WriteTried("enable_load_extension")


def _read_only_file(file: Path) -> sqlite3.Connection:
    handle = sqlite3.connect(
        f"{file.as_uri()}?mode=ro", uri=True, timeout=SESSION_SECONDS, isolation_level=None, check_same_thread=False, factory=_ReadOnlyFile
    )
    handle.execute("PRAGMA query_only=ON")
    # An attached file would be opened as the handle was, not as its name asks: for writing. So there is no room for one.
    sqlite3.Connection.setlimit(handle, sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    sqlite3.Connection.set_authorizer(handle, _authorized)
    return handle


_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}
#: What may be asked of SQLite about itself: with these a table's name, the others only without a value.
_PRAGMAS_OF_A_NAME = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
_PRAGMAS = {"database_list", "read_uncommitted", "schema_version", "user_version", "page_count", "page_size", "journal_mode", "query_only"}


def _authorized(action: int, first: str | None, second: str | None, _: str | None, __: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = second != "load_extension"
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = first in _PRAGMAS_OF_A_NAME or (first in _PRAGMAS and second is None)
    else:
        allowed = action in _READING
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _unavailable(error: exc.SQLAlchemyError) -> Unavailable:
    log.warning("database_lost", error=repr(error))
    return Unavailable("The database does not answer.")


_QUESTION = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES|TABLE|EXPLAIN|SHOW|DESCRIBE|PRAGMA)\b[^;]*;?\s*\Z", re.IGNORECASE)


@lru_cache(maxsize=2048)
def _is_question(statement: str) -> bool:
    return _QUESTION.match(statement) is not None


def _only_questions(_: Any, __: Any, statement: str, *___: Any) -> None:
    """Refuses the rest before it is sent. On a server this also keeps a session from leaving its read-only mode by `SET`."""
    statements = _recorded.get()
    if statements is not None:
        statements.append(statement)
    if not _is_question(statement):
        raise WriteTried(statement[:200])


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The statements that are asked meanwhile in this context, for tests that hold a page to its budget."""
    statements: list[str] = []
    token = _recorded.set(statements)
    try:
        yield statements
    finally:
        _recorded.reset(token)


def reader() -> Reader:
    """The reader of the running app."""
    found: Reader = current_app.extensions["reader"]
    return found


def ask(statement: sa.Executable, params: Mapping[str, Any] | None = None) -> Sequence[sa.RowMapping]:
    """All rows of one question, see `Reader.ask`."""
    return reader().ask(statement, params)


def plain(statement: sa.Executable, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """All rows of one question, see `Reader.plain`."""
    return reader().plain(statement, params)


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """Several questions on one state of the database, see `Reader.reading`."""
    with reader().reading() as connection:
        yield connection
