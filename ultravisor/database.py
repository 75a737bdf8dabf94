"""The control database as the front door sees it: through connections that cannot write, by plain SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from schema.settings import Settings

#: Seconds for a server to answer, and for a lock to be let go.
TIMEOUT_SECONDS = 3

_TIMEOUT_OF = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mariadb": "connect_timeout"}


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database, None for a server."""
    parts = sa.make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


@contextmanager
def reading(settings: Settings) -> Iterator[sa.Connection]:
    """A connection that cannot write. Raises SQLAlchemyError when the database does not answer or is not there."""
    engine = _engine(settings.database_read_url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            elif connection.dialect.name in ("mysql", "mariadb"):
                connection.exec_driver_sql("START TRANSACTION READ ONLY")
            yield connection
    finally:
        engine.dispose()


def _engine(url: str) -> sa.Engine:
    file = sqlite_file(url)
    if file is None:
        name = _TIMEOUT_OF.get(sa.make_url(url).get_backend_name())
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args={name: TIMEOUT_SECONDS} if name else {})
    return sa.create_engine("sqlite://", poolclass=sa.NullPool, creator=partial(_open_read_only, file))


def _open_read_only(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=TIMEOUT_SECONDS)
    connection.execute("PRAGMA query_only = ON")
    return connection


def values(connection: sa.Connection, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement with `:name` parameters."""
    return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]


def value(connection: sa.Connection, statement: str, **parameters: Any) -> Any:
    """The one value of a statement."""
    return connection.execute(sa.text(statement), parameters).scalar()
