"""Pages of work items, read as cheaply as they can be: a board has thousands of rows.

Times come out of SQL as clients see them, and free JSON as it lies there; statements are made once. What an item looks like is still
said by `schema.hub.wire` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from app.reading import plain
from schema.hub.rules.lifecycle import BUCKETS
from schema.hub.tables import work_item
from schema.sql import UtcDateTime, wire_time

Row = dict[str, Any]

#: Columns whose JSON nobody here looks into.
_AS_IT_LIES = {"settings", "metadata", "result"}


class WireJson(sa.types.UserDefinedType[Any]):
    """A JSON column that goes into the answer as it is stored, where the driver does not decode it anyway."""

    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> Any:
        return _fragment


def _fragment(stored: Any) -> Any:
    return orjson.Fragment(stored) if isinstance(stored, str | bytes) else stored


def _read(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, UtcDateTime):
        return wire_time(column)
    return sa.type_coerce(column, WireJson()).label(column.name) if column.name in _AS_IT_LIES else column


#: What neither a record nor an item's health is made of.
_UNREAD = {"hub", "line", "rank", "failures", "awaited", "seq"}
_COLUMNS = [_read(column) for column in work_item.c if column.name not in _UNREAD]
_OF_HUB = work_item.c.hub == sa.bindparam("of_hub")
_ONE = sa.select(*_COLUMNS).where(_OF_HUB, work_item.c.work_item_hash == sa.bindparam("hash"))


def item(hub: str, work_item_hash: str) -> Row | None:
    """One item."""
    return next(iter(plain(_ONE, {"of_hub": hub, "hash": work_item_hash})), None)


def items(hub: str, statuses: Sequence[str], limit: int, after: str | None, newest_first: bool = False) -> list[Row]:
    """Items in the given states by age, a page at a time; `after` is the ticket of the last one seen."""
    statement = _statement(tuple(statuses), after is not None, newest_first)
    return plain(statement, {"of_hub": hub, "most": limit} | ({} if after is None else {"after": after}))


@lru_cache(maxsize=256)
def _statement(statuses: tuple[str, ...], resumed: bool, newest_first: bool) -> sa.Select[Any]:
    if set(statuses) == set(BUCKETS):
        return _page(_COLUMNS, work_item.c.ticket, resumed, newest_first)
    # One state at a time, each by its index: a few live items are not looked for among all that have ended.
    pages = [_page(_COLUMNS, work_item.c.ticket, resumed, newest_first).where(work_item.c.status == status) for status in statuses]
    if len(pages) == 1:
        return pages[0]
    found = sa.union_all(*(sa.select(page.subquery()) for page in pages)).subquery()
    return sa.select(found).order_by(found.c.ticket.desc() if newest_first else found.c.ticket).limit(sa.bindparam("most"))


def _page(columns: Sequence[sa.ColumnElement[Any]], ticket: sa.Column[Any], resumed: bool, newest_first: bool) -> sa.Select[Any]:
    page = sa.select(*columns).where(_OF_HUB).order_by(ticket.desc() if newest_first else ticket).limit(sa.bindparam("most"))
    if not resumed:
        return page
    return page.where(ticket < sa.bindparam("after") if newest_first else ticket > sa.bindparam("after"))
