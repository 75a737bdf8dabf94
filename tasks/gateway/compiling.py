"""Filters as conditions of SQL: every value a bound parameter, every name a column that is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from schema.gateway.rules.filters import Compare, Filter, Group, Sort, parsed
from tasks.gateway.entities import Entity
from tasks.gateway.values import Document, Unfit, fitting

understood = lru_cache(maxsize=2048)(parsed)


def condition(entity: Entity, filter: Filter, by: Sequence[str] | None = None) -> sa.ColumnElement[bool]:
    """What a row must be like. Rows that are marked as deleted are left out, unless the filter speaks of that mark itself. Raises Unfit."""
    parts = [_group(entity, filter.where)]
    if by is not None:
        parts.append(_compared(entity, Compare(by[0], "EQ", (by[1],))))
    deleted = entity.of_type("Deleted")
    if deleted is not None and deleted not in filter.columns() and (by is None or by[0] != deleted):
        parts.append(alive(entity))
    return sa.and_(sa.true(), *parts)


def alive(entity: Entity, table: sa.FromClause | None = None) -> sa.ColumnElement[bool]:
    """The row is not marked as deleted; `table` where it goes by another name."""
    deleted = entity.of_type("Deleted")
    if deleted is None:
        return sa.true()
    column: Any = (entity.table if table is None else table).c[deleted]
    return sa.and_(column == entity.value(deleted, 0))


def _group(entity: Entity, group: Group) -> Any:
    either: list[list[sa.ColumnElement[bool]]] = [[]]
    for by_or, term in group.terms:
        made = _group(entity, term) if isinstance(term, Group) else _compared(entity, term)
        if by_or and either[-1]:
            either.append([])
        either[-1].append(made)
    return sa.or_(*(sa.and_(sa.true(), *terms) for terms in either)) if either[0] else sa.true()


def _compared(entity: Entity, compare: Compare) -> Any:
    column: Any = entity.column(compare.column)
    kind = entity.columns[compare.column]["Kind"]
    if compare.path:
        column, kind = _inside(column, compare), "float" if _numeric(compare) else "text"
    if not compare.date or compare.operator in ("IN", "NN", "LK", "NLK"):
        return judged(column, kind, compare.operator, compare.values, compare.column)
    try:
        return _on_day(column, compare.operator, fitting("date", compare.values[0]), kind)
    except Unfit as error:
        raise Unfit(f"{compare.column}: {error}") from None


def judged(column: Any, kind: str, operator: str, given: Sequence[Any], name: str) -> Any:
    """The comparison of a column that holds this kind of values. Raises Unfit for a value that it could not hold."""
    if operator in ("IN", "NN"):
        return column.is_(None) if operator == "IN" else column.is_not(None)
    if operator in ("LK", "NLK"):
        text = column if kind == "text" else sa.cast(column, sa.String)
        return text.like(str(given[0])) if operator == "LK" else text.not_like(str(given[0]))
    try:
        values = [fitting(kind, value) for value in given]
    except Unfit as error:
        raise Unfit(f"{name}: {error}") from None
    value: Any = values[0] if values else None
    match operator:
        case "INN":
            return column.in_(values)
        case "NIN":
            return column.not_in(values)
        case "NE":
            return column != value
        case "GT":
            return column > value
        case "GE":
            return column >= value
        case "LT":
            return column < value
        case "LE":
            return column <= value
    return column == value


def _on_day(column: Any, operator: str, day: Any, kind: str) -> Any:
    """A day as the span from its midnight to the next: an index serves it, and every engine understands it."""
    after = day + timedelta(days=1)
    first, next = (day, after) if kind == "date" else (_midnight(day, kind), _midnight(after, kind))
    match operator:
        case "EQ":
            return sa.and_(column >= first, column < next)
        case "NE":
            return sa.or_(column < first, column >= next)
        case "GT":
            return column >= next
        case "GE":
            return column >= first
        case "LT":
            return column < first
        case "LE":
            return column < next
    raise Unfit(f"{operator} does not compare days.")


def _midnight(day: Any, kind: str) -> Any:
    return day.isoformat() if kind == "text" else fitting("time", day.isoformat())


def _numeric(compare: Compare) -> bool:
    """Whether all values are numbers: then the document's value is compared as one."""
    if not compare.values or compare.operator in ("LK", "NLK"):
        return False
    try:
        return all(isfinite(float(value)) for value in compare.values)
    except ValueError:
        return False


def _inside(column: Any, compare: Compare | Sort) -> Any:
    """A value in a document."""
    if not isinstance(column.type, sa.JSON):
        kind = postgresql.JSONB() if not isinstance(column.type, Document | sa.String | sa.types.NullType) else sa.JSON()
        column = sa.type_coerce(column, kind)
    place = column[compare.path]
    if isinstance(compare, Compare):
        return place.as_float() if _numeric(compare) else place.as_string()
    return place.as_float() if compare.cast in ("UINT", "SINT", "DD") else place.as_string()


def ordered(entity: Entity, sorts: Sequence[Sort]) -> list[sa.ColumnElement[Any]]:
    """The order of rows: as asked, then by key, so that no two pages share a row. Raises Unfit."""
    made: list[sa.ColumnElement[Any]] = []
    for sort in sorts:
        column: Any = entity.column(sort.column)
        key = _inside(column, sort) if sort.path else column
        made.append(key.desc() if sort.descending else key.asc())
    named = {sort.column for sort in sorts if not sort.path}
    rest = [name for name in (entity.order or tuple(entity.columns)[:1]) if name not in named]
    return [*made, *(entity.table.c[name].asc() for name in rest)]


def after(entity: Entity, sorts: Sequence[Sort], position: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Rows that come after this position, which has a value for each key of the order. Raises Unfit where that cannot be told."""
    keys = [(sort.column, sort.descending) for sort in sorts]
    keys += [(name, False) for name in entity.order if name not in {sort.column for sort in sorts}]
    if not entity.order or any(sort.path for sort in sorts) or len(keys) != len(position):
        raise Unfit("This order has no cursor.")
    parts: list[sa.ColumnElement[bool]] = []
    same: list[sa.ColumnElement[bool]] = []
    for (name, descending), value in zip(keys, position, strict=True):
        column, fit = entity.column(name), entity.value(name, value)
        parts.append(sa.and_(*same, column < fit if descending else column > fit))
        same.append(column == fit)
    return sa.or_(*parts)


def cursor_columns(entity: Entity, sorts: Sequence[Sort]) -> list[str] | None:
    """The columns whose values say where a row stands, None where no cursor can be given."""
    named = [sort.column for sort in sorts]
    if not entity.order or any(sort.path or entity.columns[sort.column]["Nullable"] for sort in sorts):
        return None
    return [*named, *(name for name in entity.order if name not in named)]
