"""What a request for records means: the command that carries it out, and the answer that its outcome becomes.

The same for HTTP and for work items: whoever brings a request has looked up which tables are served, and has somebody carry the command out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schema.base import Command
from schema.cursor import cursor_of, position_of
from schema.gateway.commands import CreateRows, DeleteRow, Read, UpdateRows, UpsertRows
from schema.gateway.rules.addresses import MOST_ROWS, Ask, readings
from schema.gateway.rules.filters import BadFilter, parsed
from schema.gateway.rules.models import default_object, json_schema
from schema.outcome import Done, Refused

#: What each method may ask for.
METHODS = {
    "GET": ("row", "max", "schema", "new", "key", "rows", "lite", "distinct", "count", "select"),
    "POST": ("root", "rows", "validate", "undelete"),
    "PUT": ("root", "row", "rows", "upsert", "upserts", "detailed", "key"),
    "PATCH": ("row", "key"),
    "DELETE": ("root", "row", "key"),
}
#: Methods that change nothing.
SAFE = ("GET", "HEAD")
#: Rows that one request may bring.
MOST_BROUGHT = 1_000
#: Where the next page starts; absent on the last one.
NEXT = "X-Next-Cursor"


class Unmeant(Exception):
    """The request makes no sense, or names nothing."""

    def __init__(self, code: str, text: str, **details: Any) -> None:
        super().__init__(text)
        self.refused = Refused(code, text, details)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is served."""

    hub: str
    connection: int
    entity: int
    digest: str
    name: str
    columns: Sequence[Mapping[str, Any]]
    keys: Mapping[str, Any]

    @property
    def place(self) -> dict[str, Any]:
        """Which table it is, in the words of commands."""
        return {"hub": self.hub, "connection": self.connection, "entity": self.entity, "digest": self.digest}

    @property
    def primary(self) -> list[str]:
        """The columns of its key: the first column where it has none."""
        return list(self.keys["primary"]) or [self.columns[0]["Name"]]

    def natural(self, name: str) -> list[str]:
        """The columns of a unique key by its name, or a column by its own."""
        return list(self.keys["unique"].get(name, [name]))


@dataclass(frozen=True, slots=True)
class Request:
    """A request for records. `parts` is its decoded path after the connection's slug, `expected` the tag that the record must have, `user` the number
    under which stamps name whoever asks.
    """

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    expected: str = ""
    user: int = 0

    def asks(self) -> tuple[Ask, ...]:
        """What its path may mean."""
        return readings(self.parts)

    def names(self) -> list[str]:
        """Names of the tables that it may mean."""
        return sorted({ask.entity for ask in self.asks()}) or [""]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `tagged` with a tag by which a change of the record is noticed."""

    value: Any
    tagged: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meant:
    """A request and the table that it means."""

    request: Request
    table: Table
    ask: Ask

    def change(self) -> dict[str, Any]:
        """Which table is changed, and for whom, in the words of commands."""
        return {**self.table.place, "user": self.request.user}

    def key(self) -> dict[str, Any]:
        """The key in the address: one value for each column; a value of several columns is separated by commas."""
        ask, table = self.ask, self.table
        names = table.natural(ask.columns[0]) if ask.what == "key" and len(ask.columns) == 1 else list(ask.columns) or table.primary
        values = ask.key if len(ask.key) == len(names) else tuple(ask.key[0].split(","))
        if len(values) != len(names):
            raise Unmeant("bad_request", f"The key has the columns {', '.join(names)}.")
        return dict(zip(names, values, strict=True))

    def key_of(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The key in a body."""
        missing = [name for name in self.table.primary if body.get(name) in (None, "", 0)]
        if missing:
            raise Unmeant("bad_request", f"The record needs its key, {missing[0]}.")
        return {name: body[name] for name in self.table.primary}

    def single(self) -> dict[str, Any]:
        """The one record in the body."""
        given = self.request.body
        if not isinstance(given, dict):
            raise Unmeant("bad_request", "The body must be a record: a JSON object.")
        return given

    def listed(self) -> list[dict[str, Any]]:
        """The records in the body."""
        given = self.request.body
        if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
            raise Unmeant("bad_request", "The body must be an array of records.")
        if not 0 < len(given) <= MOST_BROUGHT:
            raise Unmeant("bad_request", f"The body must have 1 to {MOST_BROUGHT} records.")
        return given


def meant(request: Request, tables: Mapping[str, Table]) -> Meant:
    """The first reading of the path whose table is served and knows the method. Raises Unmeant."""
    asks = [ask for ask in request.asks() if ask.entity in tables]
    known = METHODS.get("GET" if request.method == "HEAD" else request.method, ())
    for ask in asks:
        if ask.what in known:
            return Meant(request, tables[ask.entity], ask)
    allowed = [method for method, whats in METHODS.items() if any(ask.what in whats for ask in asks)]
    if allowed:  # the table is there, but not for this method
        raise Unmeant("method_not_allowed", f"This address knows {', '.join(allowed)}.")
    raise Unmeant("not_found", "There is no table at this address, or it is not served.")


def wish(of: Meant) -> Command | Answer:
    """What carries the request out, or the answer where nobody need be asked. Raises Unmeant."""
    return _WISHES["GET" if of.request.method == "HEAD" else of.request.method](of)


def _get(of: Meant) -> Command | Answer:
    ask, table = of.ask, of.table
    if ask.what == "schema":
        return Answer(json_schema(table.name, table.columns), tagged=True)
    if ask.what == "new":
        return Answer(default_object(table.columns))
    if ask.what in ("row", "key"):
        return Read(**table.place, what="row", key=of.key())
    by = None if ask.by is None else list(ask.by)
    if ask.what in ("max", "count"):
        return Read(**table.place, what=ask.what, columns=list(ask.columns), filter=_filter(ask), by=by)
    what = "distinct" if ask.what == "distinct" else "rows"
    columns = list(ask.columns) if what == "distinct" else []
    cap, position = _cap(of.request.query.get("limit"), ask.cap), _position(of.request.query.get("after"))
    return Read(**table.place, what=what, columns=columns, filter=_filter(ask), by=by, begin=ask.begin, cap=cap, position=position)


def _cap(limit: str | None, usual: int) -> int:
    if limit is None:
        return usual
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 9 and 0 < int(limit) <= MOST_ROWS):
        raise Unmeant("bad_request", f"limit must be a whole number from 1 to {MOST_ROWS}.")
    return int(limit)


def _position(after: str | None) -> list[Any] | None:
    if after is None:
        return None
    try:
        position = position_of(after)
    except ValueError:
        position = None
    if not isinstance(position, list):
        raise Unmeant("bad_request", f"after is no cursor; take it from the header {NEXT}.")
    return position


def _filter(ask: Ask) -> str:
    try:
        parsed(ask.filter)
    except BadFilter as error:
        raise Unmeant("bad_filter", error.text, Position=error.position) from error
    return ask.filter


def _post(of: Meant) -> Command | Answer:
    place, what = of.change(), of.ask.what
    if what == "undelete":
        return DeleteRow(**place, key=of.key(), undo=True)
    if what == "validate":
        return Answer(_validity(of.table, of.single()))
    if what == "root":
        return CreateRows(**place, rows=[of.single()])
    return CreateRows(**place, rows=of.listed(), many=True)


def _validity(table: Table, body: Mapping[str, Any]) -> dict[str, Any]:
    names = {column["Name"] for column in table.columns}
    errors = [f"{name}: there is no such column." for name in body if name not in names]
    errors += [f"{name}: required." for name in json_schema(table.name, table.columns)["required"] if body.get(name) is None]
    return {"Valid": not errors, **({"Errors": errors} if errors else {})}


def _put(of: Meant) -> Command | Answer:
    place, what = of.change(), of.ask.what
    if what == "upsert":
        return UpsertRows(**place, rows=[of.single()])
    if what in ("upserts", "detailed"):
        return UpsertRows(**place, rows=of.listed(), form="detailed" if what == "detailed" else "many")
    if what == "rows":
        rows = of.listed()
        return UpdateRows(**place, keys=[of.key_of(row) for row in rows], rows=rows, many=True)
    body = of.single()
    if what == "key" and of.request.query.get("upsert") in ("1", "true"):
        key = of.key()
        return UpsertRows(**place, rows=[{**body, **key}], key=list(key))
    key = of.key_of(body) if what == "root" else of.key()
    return UpdateRows(**place, keys=[key], rows=[body], expected=of.request.expected)


def _patch(of: Meant) -> Command | Answer:
    return UpdateRows(**of.change(), keys=[of.key()], rows=[of.single()], expected=of.request.expected)


def _delete(of: Meant) -> Command | Answer:
    key = of.key_of(of.single()) if of.ask.what == "root" else of.key()
    return DeleteRow(**of.change(), key=key, expected=of.request.expected)


_WISHES = {"GET": _get, "POST": _post, "PUT": _put, "PATCH": _patch, "DELETE": _delete}


def answer(of: Meant, outcome: Done) -> Answer:
    """What goes back for what was done."""
    value, what = outcome.value, of.ask.what
    if of.request.method in SAFE:
        return _shown(of, value)
    if what in ("upserts", "detailed"):
        return _upserted(of, value)
    if what == "rows":
        return Answer(value["Rows"])
    return Answer(value, tagged=of.request.method in ("PUT", "PATCH") and what != "upsert")


def _shown(of: Meant, value: dict[str, Any]) -> Answer:
    if of.ask.what in ("row", "key"):
        return Answer(value, tagged=True)
    if of.ask.what in ("max", "count"):
        return Answer(value)
    headers = {} if value["Next"] is None else {NEXT: cursor_of(value["Next"])}
    return Answer([_as_asked(of, row) for row in value["Rows"]], headers=headers)


def _as_asked(of: Meant, row: dict[str, Any]) -> dict[str, Any]:
    """The record, or as much of it as the address asks for."""
    ask, key = of.ask, of.table.primary[0]
    if ask.what == "select":
        return {"Hash": row[key], "Value": f"{ask.entity} #{row[key]}"}
    if ask.what == "lite":
        kept = [name for name in row if name.startswith(("ID", "GUID")) or name in (*of.table.primary, "UpdateDate", *ask.columns)]
        return {"Value": f"{ask.entity} #{row[key]}", **{name: row[name] for name in kept}}
    return row


def _upserted(of: Meant, value: dict[str, Any]) -> Answer:
    rows = value.get("UpsertedRecords") or value.get("Rows", [])
    failed = len(value.get("ErrorRecords", []))
    keep = ("UpdateDate", *of.table.primary)
    lite = [{name: found for name, found in row.items() if name.startswith(("ID", "GUID")) or name in keep} for row in rows]
    counts = (("Total", len(rows) + failed), ("Succeeded", len(rows)), ("Errored", failed))
    headers = {f"X-Meadow-Upsert-{name}": str(count) for name, count in counts}
    return Answer(value if of.ask.what == "detailed" else lite, headers=headers)
