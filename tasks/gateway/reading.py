"""Read rows of a foreign database. The session cannot write."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.gateway.commands import Read
from schema.gateway.rules.filters import BadFilter, Filter, Sort
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.compiling import after, condition, cursor_columns, ordered, understood
from tasks.gateway.entities import Entity, entity_of
from tasks.gateway.opening import engine_for
from tasks.gateway.values import Unfit, shown
from tasks.loose import Desk


def read(command: Read, desk: Desk) -> Outcome:
    """Rows, one row, a count, a page, as the address asks."""
    engine = engine_for(desk.kernel, command.connection, "ask")
    try:
        filter = understood(command.filter)
        entity = entity_of(desk.kernel, command.connection, command.entity, command.digest, engine.dialect)
        statement = _STATEMENTS.get(command.what, _rows)(command, entity, filter)
    except BadFilter as error:
        return Refused("bad_filter", error.text, {"Position": error.position})
    except Unfit as error:
        return Refused("bad_filter", str(error), {"Position": 0})
    with engine.connect() as connection:
        result = connection.execute(statement)
        if command.what == "count":
            return Done({"Count": result.scalar_one()})
        names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result, which iterates over rows
        rows = [dict(zip(names, map(shown, row), strict=True)) for row in result.all()]
    if command.what in ("row", "max"):
        return Done(rows[0]) if rows else Refused("not_found", "Record not Found")
    return Done({"Rows": rows[: command.cap], "Next": _next(command, entity, filter, rows)})


def _matched(command: Read, entity: Entity, filter: Filter) -> sa.ColumnElement[bool]:
    return condition(entity, filter, command.by)


def _rows(command: Read, entity: Entity, filter: Filter) -> sa.Select[Any]:
    """A page; one row more than asked for tells that there is a next one."""
    columns = [entity.column(name) for name in command.columns] or list(entity.table.c)
    select = sa.select(*columns).where(_matched(command, entity, filter)).order_by(*ordered(entity, filter.sorts))
    if command.position is not None:
        return select.where(after(entity, filter.sorts, command.position)).limit(command.cap + 1)
    select = select.distinct() if filter.distinct and not filter.sorts else select
    return select.limit(command.cap + 1).offset(command.begin or None)


def _distinct(command: Read, entity: Entity, filter: Filter) -> sa.Select[Any]:
    columns = [entity.column(name) for name in command.columns]
    named = {sort.column: sort for sort in filter.sorts if sort.column in command.columns and not sort.path}
    sorts = [named.get(name, Sort(name)) for name in dict.fromkeys([*named, *command.columns])]
    keys = [entity.column(sort.column).desc() if sort.descending else entity.column(sort.column).asc() for sort in sorts]
    found = sa.select(*columns).where(_matched(command, entity, filter)).distinct().order_by(*keys)
    return found.limit(command.cap + 1).offset(command.begin or None)


def _count(command: Read, entity: Entity, filter: Filter) -> sa.Select[Any]:
    return sa.select(sa.func.count().label("n")).select_from(entity.table).where(_matched(command, entity, filter))


def _row(command: Read, entity: Entity, filter: Filter) -> sa.Select[Any]:
    keyed = [entity.column(name) == entity.value(name, value) for name, value in command.key.items()]
    return sa.select(entity.table).where(*keyed, condition(entity, filter)).limit(1)


def _max(command: Read, entity: Entity, filter: Filter) -> sa.Select[Any]:
    column = entity.column(command.columns[0])
    return sa.select(entity.table).where(condition(entity, filter), column.is_not(None)).order_by(column.desc()).limit(1)


_STATEMENTS = {"row": _row, "max": _max, "count": _count, "distinct": _distinct}


def _next(command: Read, entity: Entity, filter: Filter, rows: list[dict[str, Any]]) -> list[Any] | None:
    """Where the next page begins, None when this is the last one or the order has no cursor."""
    if len(rows) <= command.cap or not command.cap or command.what != "rows":
        return None
    columns = cursor_columns(entity, filter.sorts)
    return None if columns is None else [rows[command.cap - 1][name] for name in columns]
