"""Many rows of one shape in one statement, by the driver's own executemany.

SQLAlchemy compiles the statement and says how each type is stored; its own executemany would also build the parameters of every
row anew from the statement, which costs as much as the statement itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

#: A table and the columns that a row brings.
Shape = tuple[sa.Table, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    positional: bool
    #: In the statement's order: each parameter with what is done to its values on their way, if anything.
    parameters: list[tuple[str, Callable[[Any], Any] | None]]


def insert(connection: sa.Connection, shape: Shape, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of this shape. A column that they do not bring has the default that the table itself gives it."""
    _run(connection, _insert(shape, connection.dialect), rows)


def update(connection: sa.Connection, shape: Shape, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change columns of rows; each brings the columns of the shape, and its key under the names of `key_name`."""
    _run(connection, _update(shape, connection.dialect), rows)


def key_name(column: sa.Column[Any]) -> str:
    """Under which name an update's row brings the key: it may change the column itself, too."""
    return f"key_{column.name}"


def _run(connection: sa.Connection, made: _Made, rows: Sequence[Mapping[str, Any]]) -> None:
    stored: list[Iterable[Any]] = []
    for name, process in made.parameters:
        values = [row[name] for row in rows]
        stored.append(values if process is None else map(process, values))
    parameters: list[Any] = list(zip(*stored, strict=True))
    if not made.positional:
        names = [name for name, _ in made.parameters]
        parameters = [dict(zip(names, values, strict=True)) for values in parameters]
    connection.exec_driver_sql(made.text, parameters)


@lru_cache(maxsize=256)
def _insert(shape: Shape, dialect: sa.Dialect) -> _Made:
    table, names = shape
    return _made(sa.insert(table).compile(dialect=dialect, column_keys=names), names, table, dialect)


@lru_cache(maxsize=256)
def _update(shape: Shape, dialect: sa.Dialect) -> _Made:
    table, names = shape
    statement = sa.update(table).where(*(column == sa.bindparam(key_name(column), type_=column.type) for column in table.primary_key))
    compiled = statement.compile(dialect=dialect, column_keys=names)
    return _made(compiled, (*names, *map(key_name, table.primary_key)), table, dialect)


def _made(compiled: Any, names: Sequence[str], table: sa.Table, dialect: sa.Dialect) -> _Made:
    columns = {column.name: column for column in table.c} | {key_name(column): column for column in table.primary_key}
    types = {name: columns[name].type.dialect_impl(dialect) for name in names}
    order = compiled.positiontup or names
    return _Made(str(compiled), compiled.positional, [(name, types[name].bind_processor(dialect)) for name in order])
