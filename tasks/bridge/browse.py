"""Show a page of a hub's rows in the database of its persistence. Changes nothing."""

from __future__ import annotations

import operator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from schema.bridge.commands import Browse
from schema.bridge.descriptor import INSTANCE
from schema.bridge.rules.browsing import Condition, condition_of, in_pattern
from schema.outcome import Done, Outcome, Refused
from tasks.bridge.landing import Landing
from tasks.failures import is_transient
from tasks.gateway.opening import engine_for
from tasks.gateway.values import shown
from tasks.loose import Desk

#: Letters of a text that are shown where nobody asked for all of them.
LETTERS = 400


class _Unfit(ValueError):
    """The question does not fit the table."""


def browse(command: Browse, desk: Desk) -> Outcome:
    """The rows that fit, in the order that is asked for and, within it, as they were stored; and where the next page begins."""
    landing = Landing(engine_for(desk.kernel, command.connection, "ask", live=False), command.hub)
    table = landing.tables.get(command.table)
    if table is None:
        return Refused("not_found", f"There is no table {command.table}.", {"Tables": sorted(landing.tables)})
    try:
        asked = _asked(command, table)
    except _Unfit as error:
        return Refused("bad_request", str(error))
    try:
        with landing.engine.connect() as connection:
            found = connection.execute(asked).all()
            connection.rollback()
    except (exc.ProgrammingError, exc.OperationalError) as error:
        if is_transient(error):
            raise
        return Refused("conflict", f"The table cannot be read: {str(error.orig).partition(chr(10))[0]}")
    names = [str(column.name) for column in table.c]  # plain texts: SQLAlchemy has a kind of its own
    rows = [{name: _cut(shown(value), command.whole) for name, value in zip(names, row, strict=True)} for row in found[: command.limit]]
    after = None
    if len(found) > command.limit:
        last = found[command.limit - 1]._mapping
        after = [str(int(value) if isinstance(value, bool) else value) for value in (last[_sorted_by(command, table)], last[_number(table)])]
    return Done({"Table": str(table.name), "Columns": names, "Rows": rows, "Next": after})


def _asked(command: Browse, table: sa.Table) -> sa.Select[Any]:
    """One row more than a page: it tells that there is a next one."""
    key, number = _sorted_by(command, table), _number(table)
    if isinstance(key.type, sa.DateTime) or (_is_text(key) and key.type.length is None):  # type: ignore[attr-defined]  # a text's
        raise _Unfit(f"Rows cannot be sorted by {key.name}.")  # it may be missing, or is too long to go on from
    asked = sa.select(*table.c).where(table.c[INSTANCE] == command.hub, table.c["Deleted"] == 0)
    asked = asked.where(*(_holds(table, condition_of(text)) for text in command.where))
    if command.after is not None:
        beyond = operator.lt if command.descending else operator.gt
        value, last = _fitting(key, command.after[0]), _fitting(number, command.after[1])
        asked = asked.where(sa.or_(beyond(key, value), sa.and_(key == value, beyond(number, last))))
    order = sa.desc if command.descending else sa.asc
    return asked.order_by(*(order(column) for column in dict.fromkeys([key, number]))).limit(command.limit + 1)


def _sorted_by(command: Browse, table: sa.Table) -> sa.Column[Any]:
    return _column(table, command.sort) if command.sort else _number(table)


def _number(table: sa.Table) -> sa.Column[Any]:
    """The column by which the database itself has numbered its rows."""
    (column,) = table.primary_key
    return column


def _column(table: sa.Table, name: str) -> sa.Column[Any]:
    if name not in table.c:
        raise _Unfit(f"{table.name} has no column {name}.")
    return table.c[name]


_COMPARISONS = {"=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le}


def _holds(table: sa.Table, condition: Condition | None) -> sa.ColumnElement[bool]:
    if condition is None:
        raise _Unfit("A condition is a column, a comparison and a value.")
    column = _column(table, condition.column)
    if condition.operator == "~":
        text: sa.ColumnElement[str] = column if _is_text(column) else sa.cast(column, sa.String)
        return text.like(in_pattern(condition.value), escape="|")
    held: sa.ColumnElement[bool] = _COMPARISONS[condition.operator](column, _fitting(column, condition.value))
    return held


def _is_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.String)


def _fitting(column: sa.Column[Any], text: str) -> Any:
    """The text as a value of the column."""
    kind = column.type
    try:
        if isinstance(kind, sa.Boolean):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if isinstance(kind, sa.Integer):
            return int(text)
        if isinstance(kind, sa.Float):
            return float(text)
    except (ValueError, KeyError):
        raise _Unfit(f"{column.name} is no place for {text!r}.") from None
    if isinstance(kind, sa.DateTime):
        raise _Unfit(f"{column.name} can be searched for a text, not compared.")
    return text


def _cut(value: Any, whole: bool) -> Any:
    return value if whole or not isinstance(value, str) or len(value) <= LETTERS else f"{value[:LETTERS]}…"
