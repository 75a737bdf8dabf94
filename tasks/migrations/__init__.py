"""Bring the database to the schema of this release, and say whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tasks.failures import MigrationRunning, SchemaMissing
from tasks.unit import look

#: Seconds that one process waits for another that migrates.
WAIT_SECONDS = 60
#: Name of the lock under which one process at a time migrates.
_LOCK = "ultravisor_migrations"
_LOCK_NUMBER = 7_201_954


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@lru_cache(maxsize=1)
def head() -> str:
    """The revision that this release needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def revision(engine: sa.Engine) -> str | None:
    """The revision at which the database is, None for an empty one."""
    with look(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


_ready: set[str] = set()


def _is_behind(found: str | None) -> bool:
    """Whether migrations of this release are missing. A revision that this release has never heard of is a later one's."""
    return found is None or (found != head() and found in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()})


def require(engine: sa.Engine) -> None:
    """Raises SchemaMissing while the database is behind `head`. Asks once per process and database: a schema never goes back.

    Code does: a database that a later release has migrated serves this one as well.
    """
    key = str(engine.url)
    if key in _ready:
        return
    found = revision(engine)
    if _is_behind(found):
        raise SchemaMissing(f"the database is at {found}, this release needs {head()}")
    _ready.add(key)


def upgrade(engine: sa.Engine) -> None:
    """Run all migrations that the database lacks, one process at a time; on SQLite and PostgreSQL in one transaction.

    Raises MigrationRunning when another process takes longer than WAIT_SECONDS over it.
    """
    with engine.connect() as connection, _locked(connection):
        if not _is_behind(MigrationContext.configure(connection).get_current_revision()):
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


@contextmanager
def _locked(connection: sa.Connection) -> Iterator[None]:
    """On servers a lock of the session, which ends with the connection; SQLite needs none: a write transaction excludes all others."""
    name = connection.dialect.name
    if name == "sqlite":
        yield
        return
    try:
        if name == "postgresql":
            connection.exec_driver_sql(f"SET lock_timeout = {1000 * WAIT_SECONDS}; SET statement_timeout = 0")
            connection.execute(sa.text("SELECT pg_advisory_lock(:n)"), {"n": _LOCK_NUMBER})
            connection.commit()
        else:
            if connection.dialect.is_mariadb:  # type: ignore[attr-defined]  # of the MySQL dialects, which is what this one is
                connection.exec_driver_sql("SET SESSION max_statement_time = 0, idle_transaction_timeout = 0")
            if connection.execute(sa.text("SELECT GET_LOCK(:n, :wait)"), {"n": _LOCK, "wait": WAIT_SECONDS}).scalar() != 1:
                raise MigrationRunning
        yield
    finally:
        connection.invalidate()  # with its lock and its generous limits
