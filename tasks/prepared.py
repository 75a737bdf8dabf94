"""A statement that is always the same: written for each engine once, then handed to the driver as it is.

SQLAlchemy's own execution works out anew each time what never changes. For a command that comes alone that costs more than what the engine
has to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, eq=False)
class Prepared:
    """What it gives are the driver's values: for columns of text and numbers alone. Every parameter has a name and one value."""

    statement: Any

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> sa.CursorResult[Any]:
        """Carry it out."""
        made = _made(self.statement, connection.dialect)
        given = {name: values[name] if process is None else process(values[name]) for name, process in made.parameters}
        return connection.exec_driver_sql(made.text, tuple(given[name] for name in made.order) if made.order else given)


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    #: Each parameter with what is done to its value on its way, if anything.
    parameters: list[tuple[str, Callable[[Any], Any] | None]]
    #: Where the engine knows parameters by their places: the names in this order.
    order: tuple[str, ...]


@lru_cache(maxsize=64)
def _made(statement: Any, dialect: sa.Dialect) -> _Made:
    compiled: Any = statement.compile(dialect=dialect)
    types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
    return _Made(str(compiled), [(name, type.bind_processor(dialect)) for name, type in types.items()], tuple(compiled.positiontup or ()))
