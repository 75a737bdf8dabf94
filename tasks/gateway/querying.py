"""Rows of several tables of a foreign database, and of statements of the caller's own. The session cannot write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import exc

from schema.gateway.commands import RunQuery, RunSelect
from schema.gateway.rules.querying import BadQuery, Condition, Query, Source, query_of
from schema.gateway.rules.statements import reading
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.compiling import alive, judged
from tasks.gateway.drivers.engines import STATEMENT_SECONDS
from tasks.gateway.drivers.violations import is_overtime
from tasks.gateway.entities import Entity, entity_of
from tasks.gateway.opening import engine_for
from tasks.gateway.values import Unfit, shown
from tasks.loose import Desk

#: What a driver calls a statement that it does not understand, or that may not be; SQLite has one word for nearly everything.
_ODD = (exc.ProgrammingError, exc.DataError, exc.NotSupportedError, exc.InternalError)
_WRONG: dict[str, tuple[type[exc.DBAPIError], ...]] = {"sqlite": (*_ODD, exc.OperationalError)}
OVERTIME = Refused("target_unavailable", "The statement took longer than it may.", {"Success": False})
#: Bytes of one answer.
MOST_BYTES = 32 * 1024 * 1024


def run_query(command: RunQuery, desk: Desk) -> Outcome:
    """A page of the query's rows, and where the next one begins."""
    try:
        query = query_of(command.tree)
        engine = engine_for(desk.kernel, command.connection, "ask" if query.seconds <= STATEMENT_SECONDS["ask"] else "study")
        named = {name: command.tables[name] for name in query.tables()}
        known = {name: entity_of(desk.kernel, command.connection, id, digest, engine.dialect) for name, (id, digest) in named.items()}
        made = Compiled(query, known)
        statement = made.statement()
    except (BadQuery, Unfit) as error:
        return Refused("invalid", str(error), {"Fields": {"Query": [str(error)]}})
    began = monotonic()
    try:
        with engine.connect() as connection:
            rows = connection.execute(statement).all()
    except exc.DBAPIError as error:
        if is_overtime(error):
            return OVERTIME
        raise
    elapsed, more = round(1000 * (monotonic() - began)), len(rows) > query.limit
    names = [output.name for output in query.outputs]
    told = [dict(zip(names, map(shown, row), strict=False)) for row in rows[: query.limit]]
    next = [shown(value) for value in rows[query.limit - 1][len(names) :]] if more and query.order else None
    return _bounded(
        {"Rows": told, "RowCount": len(told), "More": more, "Next": next, "ElapsedMs": elapsed, "SQL": str(statement.compile(dialect=engine.dialect))}
    )


def run_select(command: RunSelect, desk: Desk) -> Outcome:
    """Rows of one statement, as many as fit; it is fetched piece by piece, so what is too much is never in memory."""
    try:
        text = reading(command.sql)
    except ValueError as error:
        return Refused("bad_request", str(error), {"Success": False})
    engine = engine_for(desk.kernel, command.connection, "study")
    try:
        with engine.connect().execution_options(stream_results=True, max_row_buffer=1_000) as connection:
            result = connection.exec_driver_sql(text.replace("%", "%%") if engine.dialect.paramstyle in ("format", "pyformat") else text)
            names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result, which iterates over rows
            rows = [dict(zip(names, map(shown, row), strict=True)) for row in result.fetchmany(command.cap + 1)]
            result.close()
            connection.rollback()
    except exc.DBAPIError as error:
        if is_overtime(error):
            return OVERTIME
        if error.connection_invalidated or not isinstance(error, _WRONG.get(engine.dialect.name, _ODD)):
            raise
        return Refused("bad_request", str(error.orig).strip().partition("\n")[0], {"Success": False})
    more = len(rows) > command.cap
    return _bounded({"Success": True, "Rows": rows[: command.cap], "RowCount": min(len(rows), command.cap), "More": more})


def _bounded(value: dict[str, Any]) -> Outcome:
    if len(orjson.dumps(value)) > MOST_BYTES:
        return Refused("too_large", f"The answer has more than {MOST_BYTES} bytes. Ask for fewer rows or columns.")
    return Done(value)


class Compiled:
    """A query with the tables that it names. Raises Unfit where they have not what it wants."""

    def __init__(self, query: Query, known: Mapping[str, Entity]) -> None:
        self.query = query
        self.entities = {source.alias: known[source.table] for source in query.sources}
        self.tables = {source.alias: known[source.table].table.alias(source.alias) for source in query.sources}
        self.outputs = {output.name: self._output(output.field, output.function) for output in query.outputs}

    def statement(self) -> sa.Select[Any]:
        """The statement, with one row more than asked for, and the columns of its order after its own."""
        query = self.query
        if not self.outputs:
            raise Unfit("A query needs Select.")
        keys = [self._sorted(name) for name, _ in query.order]
        columns = [*(made.label(name) for name, made in self.outputs.items()), *(key.label(f"_key{n}") for n, key in enumerate(keys))]
        select = sa.select(*columns).select_from(self._joined()).where(*self._living())
        if query.where is not None:
            select = select.where(self._judged(query.where, grouped=False))
        if query.groups:
            select = select.group_by(*(self._field(name)[0] for name in query.groups))
        if query.having is not None:
            select = select.having(self._judged(query.having, grouped=True))
        if query.after is not None:
            page = self._after(keys, query.after)
            select = select.having(page) if query.groups else select.where(page)
        select = select.distinct() if query.distinct else select
        order = [key.desc() if descending else key.asc() for key, (_, descending) in zip(keys, query.order, strict=True)]
        # SQL Server pages only what has an order.
        return select.order_by(*(order or [sa.literal_column("1")])).limit(query.limit + 1).offset(query.offset or None)

    def _joined(self) -> Any:
        first, *more = self.query.sources
        joined: Any = self.tables[first.alias]
        for source in more:
            joined = joined.join(self.tables[source.alias], self._on(source), isouter=source.left)
        return joined

    def _on(self, source: Source) -> sa.ColumnElement[bool]:
        pairs = [self._field(left)[0] == self._field(right)[0] for left, right in source.on]
        return sa.and_(sa.true(), *pairs, *self._alive(source.alias)) if source.left else sa.and_(sa.true(), *pairs)

    def _living(self) -> list[sa.ColumnElement[bool]]:
        """Rows that are marked as deleted are left out, but for tables whose mark the query speaks of."""
        return [part for source in self.query.sources if not source.left for part in self._alive(source.alias)]

    def _alive(self, alias: str) -> list[sa.ColumnElement[bool]]:
        entity = self.entities[alias]
        mark = entity.of_type("Deleted")
        spoken = self.query.where is not None and any(self._place(name) == (alias, mark) for name in _fields(self.query.where))
        return [] if mark is None or spoken else [alive(entity, self.tables[alias])]

    def _place(self, name: str) -> tuple[str, str]:
        """Alias and column."""
        alias, dot, column = name.rpartition(".")
        found = [known for known, entity in self.entities.items() if column in entity.columns and (not dot or known == alias)]
        if len(found) != 1:
            raise Unfit(f"{name} names {'no column' if not found else 'columns of several tables'}.")
        return found[0], column

    def _field(self, name: str) -> tuple[Any, str]:
        """Column, and what it holds."""
        alias, column = self._place(name)
        return self.tables[alias].c[column], self.entities[alias].columns[column]["Kind"]

    def _output(self, name: str, function: str) -> Any:
        if name == "*":
            return sa.func.count()
        column, kind = self._field(name)
        if function in ("sum", "avg") and kind not in ("integer", "float", "decimal"):
            raise Unfit(f"{name} is no number.")
        return getattr(sa.func, function)(column) if function else column

    def _sorted(self, name: str) -> Any:
        return self.outputs[name] if name in self.outputs else self._field(name)[0]

    def _judged(self, test: Condition, *, grouped: bool) -> sa.ColumnElement[bool]:
        if test.word in ("And", "Or"):
            parts = [self._judged(part, grouped=grouped) for part in test.parts]
            return sa.and_(sa.true(), *parts) if test.word == "And" else sa.or_(sa.false(), *parts)
        if test.word == "Not":
            return sa.not_(self._judged(test.parts[0], grouped=grouped))
        if grouped and test.field in self.outputs:
            column, kind = self.outputs[test.field], self._kind(test.field)
        else:
            column, kind = self._field(test.field)
        made: sa.ColumnElement[bool] = judged(column, kind, test.word, test.values, test.field)
        return made

    def _after(self, keys: Sequence[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        parts, same = [], list[Any]()
        for key, (name, descending), value in zip(keys, self.query.order, values, strict=True):
            kind = self._kind(name)
            parts.append(sa.and_(*same, judged(key, kind, "LT" if descending else "GT", (value,), name)))
            same.append(judged(key, kind, "EQ", (value,), name))
        return sa.or_(*parts)

    def _kind(self, name: str) -> str:
        """What a column of the result, or else a field, holds."""
        output = next((output for output in self.query.outputs if output.name == name), None)
        if output is None:
            return self._field(name)[1]
        return "float" if output.function in ("sum", "avg", "count") else self._field(output.field)[1]


def _fields(test: Condition) -> list[str]:
    return [test.field] if test.field else [name for part in test.parts for name in _fields(part)]
