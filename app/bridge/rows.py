"""The rows of the hub over there, for whoever has no SQL client at hand: a page, or all of them as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import marshmallow as ma
from flask import Response, current_app, stream_with_context
from marshmallow import validate

from app.answers import Blueprint, outcome_of, reply, shown
from app.bridge import questions
from app.hub.here import hub_id
from app.paging import NEXT, Cursor, cursor_of
from schema.bridge.commands import Browse
from schema.bridge.rules.browsing import OPERATORS, condition_of
from schema.outcome import Done, Outcome
from schema.wire import SHORT, no_nul

persisted = Blueprint("persisted", __name__, description="The hub's rows in the database of its persistence.")

Query = dict[str, Any]

#: Rows that are asked for at once while a file is made.
PART = 1_000
#: A cell that begins with one of these is a formula for programs that open the file.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _condition(text: str) -> None:
    if condition_of(text) is None:
        raise ma.ValidationError(f"A column, one of {' '.join(OPERATORS)}, and a value.")


class RowsQuery(ma.Schema):
    """Which of the rows, and in which order."""

    where = ma.fields.List(
        ma.fields.String(validate=[validate.Length(max=1_000), no_nul, _condition]),
        load_default=list,
        validate=validate.Length(max=8),
        metadata={"description": "`Status=Complete`, `Priority>=3`, `Settings~text`, `!=`, `<=`; each must hold."},
    )
    sort = ma.fields.String(load_default="", validate=[SHORT, no_nul], metadata={"description": "A column; without one: as they were stored."})
    descending = ma.fields.Boolean(load_default=True)


class PageQuery(RowsQuery):
    """The same, a page of it."""

    limit = ma.fields.Integer(load_default=50, validate=validate.Range(1, 500))
    after = Cursor(load_default=None, parts=2)


@persisted.route("/Ultravisor/Persistence/Rows/<table>")
@persisted.arguments(PageQuery, location="query")
@persisted.alt_response(409, response="DEFAULT_ERROR")
def rows(query: Query, table: str) -> Response:
    """A page of the hub's rows in a table over there, as the databeacon reads them now; long texts are cut. The next page starts after the
    cursor in X-Next-Cursor.
    """
    outcome = _page(table, query)
    if not isinstance(outcome, Done):
        return reply(outcome)
    after = outcome.value.pop("Next")
    response = shown(outcome.value)
    if after:
        response.headers[NEXT] = cursor_of(after)
    return response


@persisted.route("/Ultravisor/Persistence/Rows/<table>/csv")
@persisted.arguments(RowsQuery, location="query")
@persisted.alt_response(409, response="DEFAULT_ERROR")
def as_csv(query: Query, table: str) -> Response:
    """All of the hub's rows in a table over there that fit, as CSV, texts in full."""
    first = _page(table, {**query, "limit": PART, "after": None}, whole=True)
    if not isinstance(first, Done):
        return reply(first)
    response = current_app.response_class(stream_with_context(_lines(table, query, first)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{first.value["Table"]}.csv"'
    return response


def _lines(table: str, query: Query, page: Outcome) -> Iterator[str]:
    """The file, page after page. What cannot be read breaks it off, so that nobody takes a part for the whole."""
    head = True
    while True:
        if not isinstance(page, Done):
            raise ConnectionError(page.text)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        columns = page.value["Columns"]
        if head:
            writer.writerow(columns)
        writer.writerows([_cell(row[column]) for column in columns] for row in page.value["Rows"])
        yield buffer.getvalue()
        if page.value["Next"] is None:
            return
        head = False
        page = _page(table, {**query, "limit": PART, "after": page.value["Next"]}, whole=True)


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _page(table: str, query: Query, whole: bool = False) -> Outcome:
    row = questions.standing(hub_id())
    if row is None or not row["connection_id"]:
        return questions.NOWHERE
    return outcome_of(Browse(hub=hub_id(), connection=row["connection_id"], table=table, whole=whole, **query), keyed=False)
