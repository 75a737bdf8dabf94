"""Users, tokens and join secrets: the safe methods."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.access import hidden, questions
from app.answers import Blueprint, page_of, refuse, shown
from app.paging import PageWire
from schema.access.wire import join_secret_record, user_record

access = Blueprint("access", __name__, description="Users, tokens and join secrets, as they are.")


@access.route("/1.0/Users")
@access.arguments(PageWire, location="query")
def users(query: dict[str, Any]) -> Response:
    """Every user who may log in."""
    after = int(query["after"]) if query["after"] is not None else 0
    return page_of(questions.users(query["limit"] + 1, after), query["limit"], lambda row: str(row["id"]), user_record)


@access.route("/1.0/User/<user_id>")
def user(user_id: str) -> Response:
    """One user."""
    row = questions.user_of(hidden.number(user_id))
    if row is None:
        refuse("not_found", "There is no such user.")
    return shown(user_record(row))


@access.route("/1.0/JoinSecrets")
def join_secrets() -> dict[str, Any]:
    """With which secrets beacons may join, by name."""
    return {"JoinSecrets": [join_secret_record(row) for row in questions.secrets()]}
