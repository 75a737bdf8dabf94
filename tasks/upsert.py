"""Many rows of one shape in one statement: new ones are inserted, of those that are there the named columns change.

Each engine has its own fast road. SQLite's driver repeats a prepared statement by itself. PostgreSQL takes a column as one array, so a
statement has as many parameters as columns and not as fields. MariaDB's driver writes many rows into one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

#: Rows of one statement.
ROWS = 500


@dataclass(frozen=True)
class Form:
    """What an upsert is made of. `keys` are the columns of the unique key that finds the row; `changed` those that change in one that is there."""

    table: sa.Table
    names: tuple[str, ...]
    keys: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    #: In the statement's order: each column with what is done to its values on their way, if anything.
    columns: list[tuple[str, Callable[[Any], Any] | None]]


def upsert(connection: sa.Connection, form: Form, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any] | None = None) -> int | None:
    """Store the rows, at most ROWS of them with one statement. No key may stand among them twice. `same`: columns that have one value in all.

    Returns how many of them were not there before where the engine tells it, which PostgreSQL does; else None.
    """
    made = _made(form, connection.dialect)
    fixed = same or {}
    new = 0
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        columns: list[list[Any]] = []
        for name, process in made.columns:
            values = [fixed[name]] if name in fixed else [row[name] for row in part]
            given = values if process is None else [process(value) for value in values]
            columns.append(given * len(part) if name in fixed else given)
        if connection.dialect.name == "postgresql":
            new += connection.exec_driver_sql(made.text, tuple(columns)).scalar_one()
        else:
            connection.exec_driver_sql(made.text, list(zip(*columns, strict=True)))
    return new if connection.dialect.name == "postgresql" else None


@lru_cache(maxsize=64)
def _made(form: Form, dialect: sa.Dialect) -> _Made:
    """The statement in the engine's own words: what SQLAlchemy would write has a parameter for each field, by name."""
    quote, types = dialect.identifier_preparer.quote, {name: form.table.c[name].type for name in form.names}
    names, keys = (", ".join(map(quote, columns)) for columns in (form.names, form.keys))
    into = f"INSERT INTO {dialect.identifier_preparer.format_table(form.table)} ({names})"
    if dialect.name == "mysql":
        changes = ", ".join(f"{quote(name)} = VALUES({quote(name)})" for name in form.changed)
        conflict = f"ON DUPLICATE KEY UPDATE {changes}"
    else:
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in form.changed)
        conflict = f"ON CONFLICT ({keys}) DO UPDATE SET {changes}"
    if dialect.name == "postgresql":
        given = f"SELECT * FROM unnest({', '.join(f'%s::{_array_of(types[name], dialect)}[]' for name in form.names)})"  # noqa: S608 - types alone
    else:
        given = f"VALUES ({', '.join(['?' if dialect.name == 'sqlite' else '%s'] * len(form.names))})"
    processes = [type.dialect_impl(dialect).bind_processor(dialect) for type in types.values()]
    text = f"{into} {given} {conflict}"
    if dialect.name == "postgresql":
        # A version of a row that this statement has inserted was never locked by anybody; one that it has changed was, by itself.
        text = f"WITH stored AS ({text} RETURNING xmax = 0 AS new) SELECT count(*) FROM stored WHERE new"  # noqa: S608 - as above
    return _Made(text, list(zip(form.names, processes, strict=True)))


def _array_of(type: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> str:
    """The type in which a column's values travel. Text without its bound: a cast to the bound would cut what is too long, in silence."""
    if isinstance(type, sa.String):
        return "text"
    return str(type.dialect_impl(dialect).compile(dialect))
