"""The records of foreign databases: one set of addresses for every table that is served.

Which table an address means is looked up with each request, so what is enabled, disabled or changed holds at once. What it asks for is carried
out by the connection's databeacon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import sqlalchemy as sa
from flask import Response, request

from app.answers import Blueprint, carry_out, failure, outcome_of, refuse, shown, tagged
from app.gateway import questions
from app.gateway.bodies import listed, single
from app.gateway.here import hub_id
from app.gateway.paths import parts_after
from app.paging import NEXT, cursor_of, position_of
from schema.gateway.commands import CreateRows, DeleteRow, Read, UpdateRows, UpsertRows
from schema.gateway.rules.addresses import MOST_ROWS, Ask, readings
from schema.gateway.rules.filters import BadFilter, parsed
from schema.gateway.rules.models import default_object, json_schema
from schema.outcome import Done, Refused

endpoints = Blueprint("endpoints", __name__, description="Records of foreign databases.")

#: What each method may ask for.
GET = ("row", "max", "schema", "new", "key", "rows", "lite", "distinct", "count", "select")
POST = ("root", "rows", "validate", "undelete")
PUT = ("root", "row", "rows", "upsert", "upserts", "detailed", "key")
PATCH = ("row", "key")
DELETE = ("root", "row", "key")
_METHODS = {"GET": GET, "POST": POST, "PUT": PUT, "PATCH": PATCH, "DELETE": DELETE}


class Served:
    """A table that is served, and what the request wants of it."""

    def __init__(self, row: sa.RowMapping, ask: Ask) -> None:
        self.row, self.ask = row, ask
        self.columns: list[dict[str, Any]] = row["columns"]
        self.names = {column["Name"] for column in self.columns}

    @property
    def place(self) -> dict[str, Any]:
        """Which table it is, in the words of commands."""
        return {"hub": hub_id(), "connection": self.row["connection_id"], "entity": self.row["id_1"], "digest": self.row["digest"]}

    @property
    def primary(self) -> list[str]:
        """The columns of its key: the first column where it has none."""
        return list(self.row["keys"]["primary"]) or [self.columns[0]["Name"]]

    def key(self) -> dict[str, Any]:
        """The key in the address: one value for each column; a value of several columns is separated by commas."""
        ask = self.ask
        names = self.natural(ask.columns[0]) if ask.what == "key" and len(ask.columns) == 1 else list(ask.columns) or self.primary
        values = ask.key if len(ask.key) == len(names) else tuple(ask.key[0].split(","))
        if len(values) != len(names):
            refuse("bad_request", f"The key has the columns {', '.join(names)}.")
        return dict(zip(names, values, strict=True))

    def natural(self, name: str) -> list[str]:
        """The columns of a unique key by its name, or a column by its own."""
        return list(self.row["keys"]["unique"].get(name, [name]))

    def key_of(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The key in a body."""
        missing = [name for name in self.primary if body.get(name) in (None, "", 0)]
        if missing:
            refuse("bad_request", f"The record needs its key, {missing[0]}.")
        return {name: body[name] for name in self.primary}


def _found(slug: str) -> Served:
    """The table and the meaning of this request's path. A path may have several; the first whose table is served and knows the method counts."""
    asks = readings(parts_after(2))
    row, entities = questions.served(hub_id(), slug, sorted({ask.entity for ask in asks}) or [""])
    if row is None:
        refuse("not_found", f"There is no connection at /1.0/{slug}.")
    if not row["connected"]:
        refuse("not_connected", "Connection is not live. Connect first.")
    meant = [ask for ask in asks if ask.entity in entities]
    known = _METHODS["GET" if request.method == "HEAD" else request.method]
    for ask in meant:
        if ask.what in known:
            return Served(entities[ask.entity], ask)
    return _refuse(meant)


def _refuse(meant: list[Ask]) -> NoReturn:
    if meant:  # the table is there, but not for this method
        allowed = [method for method, known in _METHODS.items() if any(ask.what in known for ask in meant)]
        if allowed:
            refuse("method_not_allowed", f"This address knows {', '.join(allowed)}.")
    refuse("not_found", "There is no table at this address, or it is not served.")


@endpoints.route("/1.0/<slug:slug>/<path:rest>")
def get(slug: str, rest: str) -> Response:
    """One record, many, how many, or what a record looks like."""
    served = _found(slug)
    ask = served.ask
    if ask.what == "schema":
        return tagged(json_schema(served.row["name"], served.columns))
    if ask.what == "new":
        return shown(default_object(served.columns))
    if ask.what in ("row", "key"):
        outcome = outcome_of(Read(**served.place, what="row", key=served.key()))
        return tagged(outcome.value) if isinstance(outcome, Done) else _told(outcome)
    if ask.what in ("max", "count"):
        return carry_out(Read(**served.place, what=ask.what, columns=list(ask.columns), filter=_filter(ask), by=_by(ask)))
    return _page(served)


def _page(served: Served) -> Response:
    """A page of records, with the way to the next one in its headers."""
    ask = served.ask
    limit, after = request.args.get("limit"), request.args.get("after")
    cap = ask.cap
    if limit is not None:
        if not limit.isdecimal() or not 0 < int(limit) <= MOST_ROWS:
            refuse("bad_request", f"limit must be a whole number from 1 to {MOST_ROWS}.")
        cap = int(limit)
    what = "distinct" if ask.what == "distinct" else "rows"
    columns = list(ask.columns) if what == "distinct" else []
    position = _position(after)
    wish = Read(**served.place, what=what, columns=columns, filter=_filter(ask), by=_by(ask), begin=ask.begin, cap=cap, position=position)
    outcome = outcome_of(wish)
    if isinstance(outcome, Refused):
        return _told(outcome)
    response = shown([_as_asked(served, row) for row in outcome.value["Rows"]])
    if outcome.value["Next"] is not None:
        response.headers[NEXT] = cursor_of(outcome.value["Next"])
    return response


def _position(after: str | None) -> list[Any] | None:
    if after is None:
        return None
    try:
        position = position_of(after)
    except ValueError:
        position = None
    if not isinstance(position, list):
        refuse("bad_request", "after is no cursor; take it from the header X-Next-Cursor.")
    return position


def _filter(ask: Ask) -> str:
    try:
        parsed(ask.filter)
    except BadFilter as error:
        refuse("bad_filter", error.text, Position=error.position)
    return ask.filter


def _by(ask: Ask) -> list[str] | None:
    return None if ask.by is None else list(ask.by)


def _as_asked(served: Served, row: dict[str, Any]) -> dict[str, Any]:
    """The record, or as much of it as the address asks for."""
    ask, key = served.ask, served.primary[0]
    if ask.what == "select":
        return {"Hash": row[key], "Value": f"{ask.entity} #{row[key]}"}
    if ask.what == "lite":
        kept = [name for name in row if name.startswith(("ID", "GUID")) or name in (*served.primary, "UpdateDate", *ask.columns)]
        return {"Value": f"{ask.entity} #{row[key]}", **{name: row[name] for name in kept}}
    return row


def _told(outcome: Refused) -> Response:
    return failure(outcome.code, outcome.text, **outcome.details)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["POST"])
def post(slug: str, rest: str) -> Response:
    """Store a record, or many: all or none. Bring a deleted one back; ask whether a record would do."""
    served = _found(slug)
    what = served.ask.what
    if what == "undelete":
        return carry_out(DeleteRow(**served.place, key=served.key(), undo=True))
    if what == "validate":
        return shown(_validity(served, single()))
    if what == "root":
        return carry_out(CreateRows(**served.place, rows=[single()]))
    return _rows(outcome_of(CreateRows(**served.place, rows=listed(), many=True)))


def _validity(served: Served, body: Mapping[str, Any]) -> dict[str, Any]:
    schema = json_schema(served.row["name"], served.columns)
    errors = [f"{name}: there is no such column." for name in body if name not in served.names]
    errors += [f"{name}: required." for name in schema["required"] if body.get(name) is None]
    return {"Valid": not errors, **({"Errors": errors} if errors else {})}


def _rows(outcome: Done | Refused) -> Response:
    return shown(outcome.value["Rows"]) if isinstance(outcome, Done) else _told(outcome)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["PUT"])
def put(slug: str, rest: str) -> Response:
    """Change a record or many, all or none; or store those that are not there yet."""
    served = _found(slug)
    what = served.ask.what
    if what in ("upsert", "upserts", "detailed"):
        return _upserted(served, what)
    if what == "rows":
        rows = listed()
        return _rows(outcome_of(UpdateRows(**served.place, keys=[served.key_of(row) for row in rows], rows=rows, many=True)))
    body = single()
    if what == "key" and request.args.get("upsert") in ("1", "true"):
        key = served.key()
        return carry_out(UpsertRows(**served.place, rows=[{**body, **key}], key=list(key)))
    key = served.key_of(body) if what == "root" else served.key()
    return _changed(served, key, body)


def _changed(served: Served, key: dict[str, Any], body: dict[str, Any]) -> Response:
    outcome = outcome_of(UpdateRows(**served.place, keys=[key], rows=[body], expected=_expected()))
    return tagged(outcome.value) if isinstance(outcome, Done) else _told(outcome)


def _expected() -> str:
    """The tag that the record must have, from If-Match; empty for any."""
    tags = request.if_match
    if tags.star_tag or not tags:
        return ""
    return next(iter(tags.as_set(include_weak=True)), "")


def _upserted(served: Served, what: str) -> Response:
    if what == "upsert":
        return carry_out(UpsertRows(**served.place, rows=[single()]))
    form = "detailed" if what == "detailed" else "many"
    outcome = outcome_of(UpsertRows(**served.place, rows=listed(), form=form))
    if isinstance(outcome, Refused):
        return _told(outcome)
    rows = outcome.value.get("UpsertedRecords") or outcome.value.get("Rows", [])
    failed = len(outcome.value.get("ErrorRecords", []))
    keep = ("UpdateDate", *served.primary)
    lite = [{name: value for name, value in row.items() if name.startswith(("ID", "GUID")) or name in keep} for row in rows]
    response = shown(outcome.value if what == "detailed" else lite)
    for name, count in (("Total", len(rows) + failed), ("Succeeded", len(rows)), ("Errored", failed)):
        response.headers[f"X-Meadow-Upsert-{name}"] = str(count)
    return response


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["PATCH"])
def patch(slug: str, rest: str) -> Response:
    """Change columns of a record."""
    served = _found(slug)
    return _changed(served, served.key(), single())


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["DELETE"])
def delete(slug: str, rest: str) -> Response:
    """Delete a record; where its table has a mark for that, it can be brought back."""
    served = _found(slug)
    key = served.key_of(single()) if served.ask.what == "root" else served.key()
    return carry_out(DeleteRow(**served.place, key=key, expected=_expected()))
