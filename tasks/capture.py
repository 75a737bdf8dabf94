"""Which rows a unit has changed, for whoever follows the hub: noted in the unit's own transaction, so that none is missing and none is too many.

A row that changes again gets the number of its newest change; what came between is nobody's business. Without a follower nothing is done,
and nothing is asked: the statements that read and move the cursor tell (`tasks/cursor.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from schema.base import Actor
from schema.ledger.tables import change, feed
from schema.sql import metadata
from tasks.rows import Key
from tasks.upsert import Form, upsert

_NAMES = ("hub", "source", "row_key", "number", "changed_at", "changed_by", "created_by")
_FORM = Form(change, _NAMES, ("hub", "source", "row_key"), ("number", "changed_at", "changed_by"))
_ADVANCE = sa.update(feed).where(feed.c.hub == sa.bindparam("of_hub")).values(last=feed.c.last + sa.bindparam("count"))
_LAST = sa.select(feed.c.last).where(feed.c.hub == sa.bindparam("of_hub"))


class Capture:
    """The keys that one unit has touched."""

    def __init__(self, hub: str, reader: str) -> None:
        self.hub, self.reader = hub, reader
        self.written = False
        #: Table -> key -> who touched it first, and last.
        self._touched: dict[sa.Table, dict[Key, tuple[Actor, Actor]]] = {}

    def touch(self, table: sa.Table, key: Key, actor: Actor) -> None:
        """A row of that key is made, changed or deleted."""
        if table.info.get("mirrored"):
            touched = self._touched.setdefault(table, {})
            first = touched.get(key)
            touched[key] = (first[0] if first else actor, actor)

    def hit_by(self, statement: sa.Executable, dialect: sa.Dialect) -> Iterator[sa.Select[Any]]:
        """Which question tells the keys that a statement is about to change; none where it changes nothing that is mirrored.

        Raises TypeError for a change that cannot be told before it is made: in plain text, or of new rows.
        """
        if isinstance(statement, sa.TextClause):
            raise TypeError("a change in plain text cannot be followed; write it with tables and columns")
        table = getattr(statement, "table", None)
        if not (isinstance(table, sa.Table) and table.info.get("mirrored")):
            return
        if not isinstance(statement, sa.Update | sa.Delete):
            raise TypeError(f"new rows of {table.name} are followed through the unit's `add` alone")
        where = statement.whereclause
        asked = sa.select(*table.primary_key) if where is None else sa.select(*table.primary_key).where(where)
        # The keys that are told must be the ones that are hit: on servers nobody else may change these rows in between.
        yield asked if dialect.name == "sqlite" else asked.with_for_update()

    def write(self, connection: sa.Connection, now: datetime) -> None:
        """Number and store what was touched, parents before their children. The last thing that a unit does: from here on others wait for it."""
        tables = [table for table in metadata.tables.values() if table in self._touched]
        tables += [table for table in self._touched if table not in tables]
        count = sum(len(keys) for keys in self._touched.values())
        number = self._reserve(connection, count) if count else None
        if number is None:  # or nobody follows any more
            return
        rows = []
        for table in tables:
            for key, (first, last) in self._touched[table].items():
                number += 1
                named = {"hub": self.hub, "source": table.name, "row_key": row_key(key), "number": number}
                rows.append({**named, "changed_at": now, "changed_by": str(last), "created_by": str(first)})
        upsert(connection, _FORM, rows)
        self.written = True

    def _reserve(self, connection: sa.Connection, count: int) -> int | None:
        """The number before the first of so many; None when the feed has been closed."""
        given = {"of_hub": self.hub, "count": count}
        if connection.dialect.name == "mysql":
            if connection.execute(_ADVANCE, given).rowcount == 0:
                return None
            last = connection.scalar(_LAST, given)
        else:
            last = connection.execute(_ADVANCE.returning(feed.c.last), given).scalar()
        return None if last is None else int(last) - count


def row_key(key: Key) -> str:
    """A primary key as one text. All parts but the first are numbers."""
    return "/".join(map(str, key))


def key_of(table: sa.Table, text: str) -> Key:
    """Inverse of `row_key`."""
    parts = text.rsplit("/", len(table.primary_key) - 1)
    return tuple(column.type.python_type(part) for column, part in zip(table.primary_key, parts, strict=True))
