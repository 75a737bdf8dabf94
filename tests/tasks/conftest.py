"""A kernel for each test, on an empty Redis and a fresh database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

import schema.ledger.tables  # noqa: F401 - imported for the tables that it declares
from schema.sql import metadata
from tasks import unit
from tests.tasks import shelf
from tests.tasks.rig import Rig, rig_on

LEDGER = [table for name, table in metadata.tables.items() if name.startswith("ledger_")]


def prepare(database_url: str) -> None:
    """Make the tables of the ledger and of the shelf. Without migrations, which are as good but slow: see contracts/test_kernel_migrations."""
    engine = unit.connect(database_url)
    with engine.begin() as connection:
        metadata.create_all(connection, LEDGER, checkfirst=False)
        shelf.metadata.create_all(connection, checkfirst=False)
    engine.dispose()


@pytest.fixture
def prepared_url(database_url: str) -> str:
    """A database with all its tables, once for each engine."""
    prepare(database_url)
    return database_url


@pytest.fixture
def rigs(prepared_url: str, redis_url: str) -> Iterator[Callable[..., Rig]]:
    """Makes workers that share the database and the broker; takes `verbs` and settings."""
    with ExitStack() as stack:
        yield lambda verbs=None, **settings: stack.enter_context(rig_on(prepared_url, redis_url, verbs, **settings))


@pytest.fixture
def rig(rigs: Callable[..., Rig]) -> Rig:
    """A worker on each engine."""
    return rigs()


@pytest.fixture
def lite(sqlite_url: str, redis_url: str) -> Iterator[Rig]:
    """A worker on SQLite alone, for what no engine changes."""
    prepare(sqlite_url)
    with rig_on(sqlite_url, redis_url) as made:
        yield made


@pytest.fixture
def statements() -> Iterator[Callable[[sa.Engine], list[str]]]:
    """Records what an engine is asked from now on: transactions and statements."""
    with ExitStack() as stack:

        def record(engine: sa.Engine) -> list[str]:
            seen: list[str] = []

            def heard(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
                seen.append(statement)

            sa.event.listen(engine, "before_cursor_execute", heard)
            stack.callback(sa.event.remove, engine, "before_cursor_execute", heard)
            return seen

        yield record
