"""What observers can ask for."""

from __future__ import annotations

from marshmallow import fields, validate

from app.paging import Capped
from schema.wire import SHORT, Wire

#: The longest that an answer waits for an event.
LONGEST_WAIT_MS = 60_000


class EventsQuery(Wire):
    """Events after the one whose EventGUID is `since`, else from now on; an answer without any waits for one."""

    since = fields.String(load_default="", validate=validate.Length(max=64))
    limit = Capped(1, 5_000, load_default=500)
    waitMs = Capped(0, LONGEST_WAIT_MS, load_default=0)


class HistoryQuery(Wire):
    """Events from a moment or after an event on."""

    since = fields.String(load_default="now-1h", validate=validate.Length(max=64))
    limit = Capped(1, 1_000, load_default=1_000)


class SnapshotQuery(Wire):
    """How many waiting items to show."""

    limit = Capped(1, 5_000, load_default=500)


class RangeQuery(Wire):
    """A stretch of time: moments in ISO-8601 or like `now-5m`."""

    from_ = fields.String(data_key="from", load_default="now-5m", validate=validate.Length(max=64))
    to = fields.String(load_default="now+30s", validate=validate.Length(max=64))
    capability = fields.String(load_default="", validate=SHORT)
    runHash = fields.String(load_default="", validate=SHORT)
    bucket = fields.String(load_default="auto", validate=validate.Length(max=16))
    since = fields.String(load_default="", validate=validate.Length(max=256))


class TimelineQuery(RangeQuery):
    """The timeline of a stretch of time; `since` is the Cursor of the page before."""

    futureLimit = Capped(0, 256, load_default=32)
    waitMs = Capped(0, LONGEST_WAIT_MS, load_default=0)
