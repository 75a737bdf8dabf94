"""What people look for in the queue, and how many items stand where in each lane."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from app.answers import Blueprint, refuse, shown
from app.hub import board, questions
from app.hub.here import hub_id
from app.hub.pages import BoardQuery
from schema.cursor import cursor_of, position_of
from schema.hub.rules.lifecycle import BUCKETS, STATUSES
from schema.hub.rules.preview import preview
from schema.hub.wire import board_record

looking = Blueprint("hub_looking", __name__, description="The queue as people look for something in it.")

Query = dict[str, Any]


@looking.route("/api/items")
@looking.arguments(BoardQuery, location="query")
def items(query: Query) -> Response:
    """Items that match, a page at a time. A page looks through a bounded number of items and tells where it stopped."""
    wanted = _wanted(query)
    found = board.page(hub_id(), wanted, query["limit"], _position(query))
    told = {
        "Items": [board_record(row, _preview(row["settings"])) for row in found.rows],
        "Next": None if found.after is None else cursor_of(found.after),
        "LookedThrough": wanted.window if found.stopped else None,
    }
    return shown(told)


@looking.route("/api/lanes")
def lanes() -> dict[str, Any]:
    """How many items stand in each state, in all and by capability and action; and which capabilities are paused."""
    return questions.lanes(hub_id())


def _wanted(query: Query) -> board.Wanted:
    statuses = [status for status, bucket in BUCKETS.items() if query["bucket"] in ("", bucket)]
    if query["status"]:
        statuses = [query["status"]]
    if query["order"] == "next":
        if query["status"] not in ("", "Pending") or query["bucket"] not in ("", "Upcoming"):
            refuse("bad_request", "order=next is the order of dispatch, which only items that wait for a beacon have: status=Pending.")
        statuses = ["Pending"]
    chosen = tuple(status for status in STATUSES if status in statuses)
    return board.Wanted(chosen, **{name: query[name] for name in ("capability", "action", "beacon", "run", "text", "order")})


def _position(query: Query) -> board.Position | None:
    if not query["after"]:
        return None
    kinds = [int, str] if query["order"] == "next" else [str]
    try:
        position = position_of(query["after"])
    except ValueError:
        position = None
    if not isinstance(position, list) or [type(part) for part in position] != kinds:
        refuse("bad_request", "after is not a cursor of this list in this order; take it from Next.")
    return position


def _preview(settings: str | None) -> str:
    """In one line; where the settings are too long to have come whole, as they begin."""
    text = settings or ""
    try:
        return preview(orjson.loads(text or "{}"))
    except orjson.JSONDecodeError:
        return " ".join(text.split())[:160]
