"""The records of foreign databases: one set of addresses for every table that is served.

Which table an address means is looked up with each request, so what is enabled, disabled or changed holds at once. What it asks for is carried
out by the connection's databeacon.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response, request

from app import who
from app.answers import Blueprint, carry_out, failure, outcome_of, refuse, shown, tagged
from app.asking import body, preference
from app.gateway import questions
from app.gateway.here import hub_id
from app.gateway.paths import parts_after
from schema.gateway.rules import requests as rules
from schema.gateway.rules.requests import SAFE, Answer, Meant, Request, Table, Unmeant
from schema.outcome import Refused

endpoints = Blueprint("endpoints", __name__, description="Records of foreign databases.")


def _answered(slug: str) -> Response:
    """The request's answer, whatever it asks for."""
    try:
        found = _meant(slug)
        wish = rules.wish(found)
    except Unmeant as error:
        refuse(error.refused.code, error.refused.text, **error.refused.details)
    if isinstance(wish, Answer):
        return _response(wish)
    if preference().respond_async and not wish.repeatable:
        return carry_out(wish)
    outcome = outcome_of(wish)
    if isinstance(outcome, Refused):
        return failure(outcome.code, outcome.text, **outcome.details)
    return _response(rules.answer(found, outcome))


def _meant(slug: str) -> Meant:
    given = None if request.method in SAFE else body()
    asked = Request(request.method, tuple(parts_after(2)), request.args, given, _expected(), _user())
    row, entities = questions.served(hub_id(), slug, asked.names())
    if row is None:
        refuse("not_found", f"There is no connection at /1.0/{slug}.")
    if not row["connected"]:
        refuse("not_connected", "Connection is not live. Connect first.")
    return rules.meant(asked, {name: _table(found) for name, found in entities.items()})


def _table(row: sa.RowMapping) -> Table:
    known: dict[str, Any] = {name: row[name] for name in ("digest", "name", "columns", "keys")}
    return Table(hub=hub_id(), connection=row["connection_id"], entity=row["id_1"], **known)


def _user() -> int:
    """The number of the user who asks, or for whom the program asks; 0 where nobody is known. No header says it."""
    identity = who.identity()
    return 0 if identity is None else identity.user_id


def _expected() -> str:
    """The tag that the record must have, from If-Match; empty for any."""
    tags = request.if_match
    if tags.star_tag or not tags:
        return ""
    return next(iter(tags.as_set(include_weak=True)), "")


def _response(answer: Answer) -> Response:
    response = tagged(answer.value) if answer.tagged else shown(answer.value)
    response.headers.update(answer.headers)
    return response


@endpoints.route("/1.0/<slug:slug>/<path:rest>")
def get(slug: str, rest: str) -> Response:
    """One record, many, how many, or what a record looks like."""
    return _answered(slug)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["POST"])
def post(slug: str, rest: str) -> Response:
    """Store a record, or many: all or none. Bring a deleted one back; ask whether a record would do."""
    return _answered(slug)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["PUT"])
def put(slug: str, rest: str) -> Response:
    """Change a record or many, all or none; or store those that are not there yet."""
    return _answered(slug)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["PATCH"])
def patch(slug: str, rest: str) -> Response:
    """Change columns of a record."""
    return _answered(slug)


@endpoints.route("/1.0/<slug:slug>/<path:rest>", methods=["DELETE"])
def delete(slug: str, rest: str) -> Response:
    """Delete a record; where its table has a mark for that, it can be brought back."""
    return _answered(slug)
