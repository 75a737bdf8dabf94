"""Many new rows of one shape in one statement, by the driver's own executemany.

SQLAlchemy compiles the statement and says how each type is stored; its own executemany would also build the parameters of every
row anew from the statement, which costs as much as the insert itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

#: A table and the columns that a row brings.
Shape = tuple[sa.Table, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Insert:
    text: str
    positional: bool
    #: In the statement's order: each column with what is done to its values on their way, if anything.
    columns: list[tuple[str, Callable[[Any], Any] | None]]


def insert(connection: sa.Connection, shape: Shape, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of this shape. A column that they do not bring has the default that the table itself gives it."""
    made = _compiled(shape, connection.dialect)
    stored: list[Iterable[Any]] = []
    for name, process in made.columns:
        values = [row[name] for row in rows]
        stored.append(values if process is None else map(process, values))
    parameters: list[Any] = list(zip(*stored, strict=True))
    if not made.positional:
        names = [name for name, _ in made.columns]
        parameters = [dict(zip(names, values, strict=True)) for values in parameters]
    connection.exec_driver_sql(made.text, parameters)


@lru_cache(maxsize=256)
def _compiled(shape: Shape, dialect: sa.Dialect) -> _Insert:
    table, names = shape
    compiled = sa.insert(table).compile(dialect=dialect, column_keys=names)
    types = {name: table.c[name].type.dialect_impl(dialect) for name in names}
    order = compiled.positiontup or names
    return _Insert(str(compiled), compiled.positional, [(name, types[name].bind_processor(dialect)) for name in order])
