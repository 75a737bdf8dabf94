"""Data transform: rows and columns."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

from schema.runs.expressions import solved
from schema.runs.rules.address import Scope, look_up, walk
from schema.runs.rules.tasks import Answer, Call, Fail
from schema.runs.rules.templates import shown
from schema.runs.types.base import Settings, Task, anything, brought, done, flag, number, text
from schema.runs.types.flow import listed

#: Rows that one task makes.
MOST_ROWS = 200_000


class _ParseCsv(Settings):
    SourceAddress = text("The address of the text; without one, Content is it.")
    Content = text("The text itself.")
    Delimiter = text("What parts the fields.", default=",")
    QuoteCharacter = text("What encloses fields.", default='"')
    HasHeaders = flag("The first row names the columns.", True)
    TrimFields = flag("Cut white space from both ends of each field.")
    SkipEmptyLines = flag("Leave empty lines out.", True)
    Destination = text("Where the records are also written.")


class ParseCsv(Task):
    """Reads a text of rows as records."""

    name, title, category = "parse-csv", "Parse CSV", "Data Transform"
    begins = ("Execute",)
    brings = brought(Records="Array", ColumnCount="Integer", Headers="Array")
    form = _ParseCsv

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        content = shown(look_up(given["SourceAddress"], call.scope)) if given["SourceAddress"] else given["Content"]
        delimiter, quote = given["Delimiter"].replace("\\t", "\t"), given["QuoteCharacter"]
        if len(delimiter) != 1 or len(quote) != 1:
            return Fail("Delimiter and QuoteCharacter are one character each.")
        try:
            rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), delimiter=delimiter, quotechar=quote))
        except csv.Error as error:
            return Fail(f"The text is no CSV: {error}")
        return self._records(rows, given)

    def _records(self, rows: list[list[str]], given: dict[str, Any]) -> Answer:
        rows = [row for row in rows if any(row)] if given["SkipEmptyLines"] else rows
        rows = [[field.strip() for field in row] for row in rows] if given["TrimFields"] else rows
        if len(rows) > MOST_ROWS:
            return Fail(f"more than {MOST_ROWS} rows")
        headers = rows[0] if given["HasHeaders"] and rows else [str(place) for place in range(max(map(len, rows), default=0))]
        records: list[Any] = [_named(headers, row) for row in rows[1:]] if given["HasHeaders"] else list(rows)
        outputs = {"Records": records, "ColumnCount": len(headers), "Headers": headers}
        return done(self, outputs, (given["Destination"], records))


def _named(headers: list[str], row: list[str]) -> dict[str, str]:
    """A short row lacks its last fields; what a long one has beyond the headers is named by its place."""
    named = dict(zip(headers, row, strict=False))
    return named | {str(place): row[place] for place in range(len(headers), len(row))}


class _Transform(Settings):
    SourceAddress = text("The address of the records.", required=True)
    Mappings = anything("Column -> field of the record, or an expression that begins with =; an object or a list of {From, To}.")
    Filter = text("An expression over the record's fields; records for which it is not true are left out.")
    Destination = text("Where the result is also written.")


class CsvTransform(Task):
    """Makes other records of records: columns chosen, renamed, computed; rows left out."""

    name, title, category = "csv-transform", "CSV transform", "Data Transform"
    begins = ("Execute",)
    brings = brought(Records="Array", RecordCount="Integer")
    form = _Transform

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        records = listed(look_up(given["SourceAddress"], call.scope))
        mappings = _columns(given["Mappings"])
        kept: list[Any] = []
        for record in records[:MOST_ROWS]:
            scope = _within(record, call.scope)
            if given["Filter"] and not solved(given["Filter"], scope):
                continue
            kept.append({to: solved(of[1:], scope) if of.startswith("=") else walk(record, of.split(".")) for to, of in mappings} or record)
        return done(self, {"Records": kept, "RecordCount": len(kept)}, (given["Destination"], kept))


def _columns(mappings: Any) -> list[tuple[str, str]]:
    if not mappings:
        return []
    if isinstance(mappings, dict):
        return [(str(to), str(of)) for to, of in mappings.items()]
    return [(str(row["To"]), str(row["From"])) for row in listed(mappings)]


def _within(record: Any, scope: Scope) -> Scope:
    """The scope as an expression over one record sees it: the record's fields, and nothing of the run."""
    return Scope({}, record if isinstance(record, dict) else {"Value": record}, {}, scope.outputs)


class _Intersect(Settings):
    LeftAddress = text("The address of the first list.", required=True)
    RightAddress = text("The address of the second list.", required=True)
    KeyField = text("The field by which records are the same; without one, whole values are.")
    Destination = text("Where the result is also written.")


class ComprehensionIntersect(Task):
    """Keeps what two lists have in common, as the first list has it."""

    name, title, category = "comprehension-intersect", "Intersect", "Data Transform"
    begins = ("Execute",)
    brings = brought(Result="Array", Count="Integer")
    form = _Intersect

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        left, right = (listed(look_up(given[name], call.scope)) for name in ("LeftAddress", "RightAddress"))
        keys = set(_keys(right, given["KeyField"]))
        result = [item for item, key in zip(left, _keys(left, given["KeyField"]), strict=True) if key in keys]
        return done(self, {"Result": result, "Count": len(result)}, (given["Destination"], result))


def _keys(items: list[Any], field: str) -> Iterable[str]:
    return (shown(walk(item, field.split("."))) if field else shown(item) for item in items)


class _Histogram(Settings):
    SourceAddress = text("The address of the list.", required=True)
    Field = text("The field of its records that is counted; without one, whole values are.")
    Bins = number("Numbers are counted in so many equal bins; 0: each value by itself.", 0, 0, 10_000)
    Destination = text("Where the result is also written.")


class Histogram(Task):
    """Counts how often each value occurs."""

    name, title, category = "histogram", "Histogram", "Data Transform"
    begins = ("Execute",)
    brings = brought(Histogram="Object", Total="Integer")
    form = _Histogram

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        values = [walk(item, given["Field"].split(".")) if given["Field"] else item for item in listed(look_up(given["SourceAddress"], call.scope))]
        counted = _binned(values, given["Bins"]) if given["Bins"] else dict(Counter(map(shown, values)).most_common())
        return done(self, {"Histogram": counted, "Total": len(values)}, (given["Destination"], counted))


def _binned(values: list[Any], bins: int) -> dict[str, int]:
    numbers = [float(value) for value in values]
    if not numbers:
        return {}
    least, most = min(numbers), max(numbers)
    width = (most - least) / bins or 1.0
    places = Counter(min(int((value - least) / width), bins - 1) for value in numbers)
    return {f"{least + place * width:g}..{least + (place + 1) * width:g}": places[place] for place in range(bins)}


TYPES: tuple[type[Task], ...] = (ParseCsv, CsvTransform, ComprehensionIntersect, Histogram)
