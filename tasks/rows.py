"""Rows of one unit on their way into SQL: gathered, written in bulk, and known as the unit has left them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from schema.among import among
from tasks.bulk import Shape, insert, key_name, update

#: A row by column name.
Row = Mapping[Any, Any]
#: Values of the primary key, in the order of its columns.
Key = tuple[Any, ...]
Tables = Collection[sa.Table]


class Rows:
    """New rows and changes of rows, held back until somebody reads their table or the unit ends; then one statement per table and shape.

    Changes of one row are merged before they are written: only how the unit leaves a row is ever seen by the database and its checks.
    A row that was found is kept, and changes with each amendment, so a batch that names it again reads nothing.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._new: dict[Shape, list[dict[str, Any]]] = {}
        self._amended: dict[sa.Table, dict[Key, dict[str, Any]]] = {}
        #: None for a key that has no row.
        self._known: dict[sa.Table, dict[Key, Row | None]] = {}

    def __bool__(self) -> bool:
        """Whether anything is held back or known, so that a statement may meddle with it."""
        return bool(self._new or self._amended or self._known)

    def add(self, table: sa.Table, row: dict[str, Any]) -> None:
        pending = self._amended.get(table)
        if pending:  # an amendment from before was of a row that did not exist
            pending.pop(tuple(row[column.name] for column in table.primary_key), None)
        self._new.setdefault((table, tuple(row)), []).append(row)
        known = self._known.get(table)
        if known:
            (column,) = table.primary_key
            known.pop((row[column.name],), None)  # it may be known as absent

    def amend(self, table: sa.Table, key: Key, values: Mapping[str, Any]) -> None:
        pending = self._amended.setdefault(table, {})
        pending[key] = {**pending.get(key, {}), **values}
        known = self._known.get(table, {})
        before = known.get(key)
        if before is not None:
            known[key] = {**before, **values}  # a new one: whoever holds the old one still sees what was before

    def find(self, table: sa.Table, key: Key) -> Row | None:
        if key not in self._known.get(table, {}):
            self.fetch(table, [key])
        return self._known[table].get(key)

    def fetch(self, table: sa.Table, keys: Iterable[Key]) -> None:
        """Know the rows of these keys, and which keys have none: one statement for all that are not known yet."""
        known = self._known.setdefault(table, {})
        wanted = list(dict.fromkeys(key[0] for key in keys if key not in known))
        if wanted:
            self.write([table])
            (column,) = table.primary_key
            known.update(dict.fromkeys((value,) for value in wanted))
            result = self._connection.execute(_select(table), {"keys": wanted})
            names = tuple(result.keys())
            for values in result.all():
                row = dict(zip(names, values, strict=True))  # who amends a row copies it, which the library's own make dear
                known[row[column.name],] = row

    def forget(self, tables: Tables) -> None:
        """Some statement changes these tables behind our back."""
        for table in list(tables or self._known):
            self._known.pop(table, None)

    def write(self, tables: Tables = ()) -> None:
        """Write what is held back for these tables, for all without any. New rows first: an amendment may be of one of them."""
        for shape in [shape for shape in self._new if not tables or shape[0] in tables]:
            insert(self._connection, shape, self._new.pop(shape))
        for table in [table for table in self._amended if not tables or table in tables]:
            for names, rows in _by_shape(table, self._amended.pop(table)).items():
                update(self._connection, (table, names), rows)


def _by_shape(table: sa.Table, amended: Mapping[Key, dict[str, Any]]) -> Mapping[tuple[str, ...], list[dict[str, Any]]]:
    names = [key_name(column) for column in table.primary_key]
    shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for key, values in amended.items():
        shapes.setdefault(tuple(values), []).append({**values, **dict(zip(names, key, strict=True))})
    return shapes


@lru_cache(maxsize=256)
def _select(table: sa.Table) -> sa.Select[Any]:
    (column,) = table.primary_key
    return sa.select(table).where(among(column, "keys"))
