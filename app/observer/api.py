"""What observers may ask: the stream of events by long poll, the state in one look, the timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from app.answers import Blueprint, failure, refuse, shown
from app.observer import reach, replay, snapshot, timeline
from app.observer.pages import EventsQuery, HistoryQuery, RangeQuery, SnapshotQuery, TimelineQuery
from app.observer.waits import waited
from schema.errors import Overloaded
from schema.hub.rules.timeline import moment_of

observer = Blueprint("observer", __name__, description="The hub as observers see it.")

Query = dict[str, Any]

#: What to do when the events asked for are gone.
HINT = "Read GET /Beacon/Queue or GET /Observer/Snapshot, and watch from now on: ask without since."


@observer.route("/Queue/Events")
@observer.arguments(EventsQuery, location="query")
@observer.alt_response(410, response="DEFAULT_ERROR")
def queue_events(query: Query) -> Response:
    """What happened after the event `since`; waits for something to happen for up to `waitMs`."""
    return _events(query)


@observer.route("/Observer/Events")
@observer.arguments(EventsQuery, location="query")
@observer.alt_response(410, response="DEFAULT_ERROR")
def observer_events(query: Query) -> Response:
    """The same stream under the observers' address."""
    return _events(query)


def _events(query: Query) -> Response:
    since, limit = query["since"] or replay.newest(), query["limit"]
    # Who says nothing watches from now on: the past is for those who say where they were.
    try:
        page = waited(lambda: replay.after(since, limit), query["waitMs"])
    except Overloaded:
        return failure("overloaded", "Too many watchers; each of them holds a thread.", headers={"Retry-After": "5"})
    if page is None:
        refuse("gone", Reason="history-too-old", Hint=HINT)
    return shown({"Events": page.events, "Cursor": page.cursor, "More": page.more})


@observer.route("/Observer/History")
@observer.arguments(HistoryQuery, location="query")
@observer.alt_response(410, response="DEFAULT_ERROR")
def history(query: Query) -> dict[str, Any]:
    """Events after an event, or from a moment on, the oldest first."""
    since, limit = query["since"], query["limit"]
    try:
        return {"Events": replay.since_moment(moment_of(since, datetime.now(UTC)), limit)}
    except ValueError:
        page = replay.after(since, limit)
    if page is None:
        refuse("gone", Reason="history-too-old", Hint=HINT)
    return {"Events": page.events}


@observer.route("/Observer/Snapshot")
@observer.arguments(SnapshotQuery, location="query")
def look(query: Query) -> dict[str, Any]:
    """Beacons, waiting items with what blocks them, and what has ended lately, in one look."""
    return snapshot.taken(query["limit"])


@observer.route("/Timeline")
@observer.arguments(TimelineQuery, location="query")
def line(query: Query) -> dict[str, Any]:
    """Past, present and likely future of a stretch of time."""
    return timeline.told(query)


@observer.route("/Timeline/Anomalies")
@observer.arguments(RangeQuery, location="query")
def anomalies(query: Query) -> dict[str, Any]:
    """Stretches of time in which too much went wrong."""
    return timeline.anomalies(query)


@observer.route("/Beacon/Reachability")
def reachability() -> dict[str, Any]:
    """Which beacon could reach which, as far as anybody has tried."""
    return reach.matrix()
