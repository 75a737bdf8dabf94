"""Our own side: what has changed, and the rows as they are now. Only reads, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from schema.among import among
from schema.bridge.sources import SOURCES, Source
from schema.bridge.tables import assignment
from schema.ledger.tables import change, cursor, feed
from schema.runs.tables import run
from schema.sql import Json, UtcDateTime, wire_time
from tasks.capture import key_of
from tasks.rows import Key

Row = Mapping[Any, Any]

_HERE = feed.c.hub == sa.bindparam("of_hub")
_STANDING = sa.select(
    feed.c.guid, feed.c.last, feed.c.reader, assignment.c.connection_id, assignment.c.state, assignment.c.error, assignment.c.assigned_by
).where(_HERE, assignment.c.hub == feed.c.hub)
_MINE = change.c.hub == sa.bindparam("of_hub")
_CHANGES = (
    sa.select(change.c.number, change.c.source, change.c.row_key, change.c.changed_at, change.c.changed_by, change.c.created_by)
    .where(_MINE, change.c.number > sa.bindparam("after"))
    .order_by(change.c.number)
    .limit(sa.bindparam("page"))
)
_AUTHORS = sa.select(change.c.row_key, change.c.changed_by, change.c.created_by).where(
    _MINE, change.c.source == sa.bindparam("source"), among(change.c.row_key, "row_keys")
)
#: Every unit of these lanes that began before the hub was followed holds one of these rows.
_LANES = sa.select(cursor.c.lane).where(cursor.c.lane.like(sa.bindparam("lanes")))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is wanted of the one who follows: which feed, and where it stands."""

    feed: str
    last: int
    reader: str
    connection: int
    state: str
    error: str
    actor: str


def standing(control: sa.Connection, hub: str) -> Standing | None:
    """None where nobody follows the hub."""
    row = control.execute(_STANDING, {"of_hub": hub}).one_or_none()
    return None if row is None else Standing(*row)


def changes(control: sa.Connection, hub: str, after: int, page: int) -> Sequence[Any]:
    """The next changes, in the order of their commits."""
    return control.execute(_CHANGES, {"of_hub": hub, "after": after, "page": page}).all()


def rows(control: sa.Connection, source: Source, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows of these keys as they are now; one that is gone is not among them."""
    if not keys:
        return {}
    wanted, heads = set(keys), list({key[0] for key in keys})
    found: dict[Key, Row] = {}
    for start in range(0, len(heads), 1_000):
        given: dict[str, Any] = {"heads": heads[start : start + 1_000]}
        if len(keys[0]) > 1:
            tails = [key[1] for key in keys]
            given |= {"least": min(tails), "most": max(tails)}
        found.update((key, row) for key, row in _told(control.execute(_by_key(source.name, control.dialect.name), given), source) if key in wanted)
    return found


def page_of(control: sa.Connection, source: Source, hub: str, after: str, page: int) -> list[tuple[Key, Row]]:
    """The hub's rows after a key, in the order of the primary key."""
    key = key_of(source.table, after) if after else None
    given = {"of_hub": hub, "page": page} | ({f"after_{place}": part for place, part in enumerate(key)} if key else {})
    return _told(control.execute(_page(source.name, control.dialect.name, key is None), given), source)


def _told(result: sa.CursorResult[Any], source: Source) -> list[tuple[Key, Row]]:
    """The rows and their keys. Plain dictionaries: a record looks into each of its columns, which the library's rows make four times as dear."""
    names, parts = tuple(result.keys()), [column.name for column in source.table.primary_key]
    rows = [dict(zip(names, row, strict=True)) for row in result.all()]
    return [(tuple([row[part] for part in parts]), row) for row in rows]


def authors(control: sa.Connection, hub: str, source: Source, row_keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Who made and who changed these rows, as far as it was noted."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(row_keys), 1_000):
        given = {"of_hub": hub, "source": source.name, "row_keys": list(row_keys[start : start + 1_000])}
        found |= {row.row_key: (row.created_by, row.changed_by) for row in control.execute(_AUTHORS, given)}
    return found


def await_open_units(engine: sa.Engine, hub: str) -> None:
    """Wait for units that began before the hub was followed: what they change is in no feed, and was not there to be copied.

    On SQLite there are none: whoever began to follow had the file for himself.
    """
    if engine.dialect.name == "sqlite":
        return
    with engine.connect() as connection:
        for prefix in ("hub", "runs"):
            connection.execute(_LANES.with_for_update(), {"lanes": f"{prefix}/{hub}%"}).all()
        connection.rollback()


def _columns(source: Source, dialect: str) -> list[Any]:
    """All columns, JSON as the text that it is stored as, and times as they are told; with those of a run its manifest counts."""
    return [_column(column, dialect, counted=source.table is run) for column in source.table.c]


def _column(column: sa.Column[Any], dialect: str, counted: bool) -> Any:
    if _is_json(column):
        return _as_text(column, dialect).label(column.name)
    return wire_time(column) if isinstance(column.type, UtcDateTime) and not counted else column


def _is_json(column: sa.Column[Any]) -> bool:
    return column.type is Json or isinstance(column.type, sa.JSON)


def _as_text(column: sa.Column[Any], dialect: str) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text()) if dialect == "postgresql" else sa.type_coerce(column, sa.Text())


@lru_cache(maxsize=32)
def _by_key(name: str, dialect: str) -> sa.Select[Any]:
    source = SOURCES[name]
    head, *tail = source.table.primary_key
    wanted = sa.select(*_columns(source, dialect)).where(among(head, "heads"))
    # Not a list of pairs, which MariaDB looks up row by row: a little more is read, and what nobody asked for is left out above.
    return wanted.where(*(column.between(sa.bindparam("least"), sa.bindparam("most")) for column in tail))


@lru_cache(maxsize=32)
def _page(name: str, dialect: str, first: bool) -> sa.Select[Any]:
    source = SOURCES[name]
    table = source.table
    head, *tail = table.primary_key
    # No index of the hub's: it would serve to find all of its rows, and each page would sort them anew.
    wanted = sa.select(*_columns(source, dialect)).where(sa.func.coalesce(table.c.hub, "") == sa.bindparam("of_hub"))
    if not first and not tail:
        wanted = wanted.where(head > sa.bindparam("after_0"))
    elif not first:
        wanted = wanted.where(head >= sa.bindparam("after_0"), (head > sa.bindparam("after_0")) | (tail[0] > sa.bindparam("after_1")))
    return wanted.order_by(head, *tail).limit(sa.bindparam("page"))
