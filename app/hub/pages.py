"""What the hub's lists can be asked for."""

from __future__ import annotations

from marshmallow import fields, validate

from app.paging import Capped, PageWire
from schema.hub.rules.lifecycle import BUCKET_NAMES, STATUSES
from schema.wire import SHORT, Wire, no_nul


class ItemsQuery(PageWire):
    """Items, of one state if it is named."""

    status = fields.String(load_default="", validate=validate.OneOf(["", *STATUSES]))


class QueueQuery(PageWire):
    """The board: one bucket if it is named, with what has ended if `include` is `history`."""

    limit = Capped(1, 5_000, load_default=200)
    bucket = fields.String(load_default="", validate=validate.OneOf(["", *BUCKET_NAMES]))
    include = fields.String(load_default="", validate=validate.OneOf(["", "history"]))


class EventsQuery(Wire):
    """A page of an item's history: `after` is the Seq of the last event seen."""

    limit = Capped(1, 5_000, load_default=500)
    after = fields.Integer(load_default=0, validate=validate.Range(min=0, max=2**31 - 1))


class ActionsQuery(Wire):
    """The catalog of actions, of one capability if it is named."""

    Capability = fields.String(load_default="")


class SamplesQuery(Wire):
    """A time: moments in ISO-8601 or like `now-1h`."""

    from_ = fields.String(data_key="from", load_default="now-1h", validate=validate.Length(max=64))
    to = fields.String(load_default="now", validate=validate.Length(max=64))


class BoardQuery(Wire):
    """What to look for in the queue, and in which order."""

    limit = Capped(1, 1_000, load_default=100)
    after = fields.String(load_default="", validate=validate.Length(max=256))
    bucket = fields.String(load_default="", validate=validate.OneOf(["", *BUCKET_NAMES]))
    status = fields.String(load_default="", validate=validate.OneOf(["", *STATUSES]), metadata={"description": "One state; wins over bucket."})
    capability = fields.String(load_default="", validate=[SHORT, no_nul])
    action = fields.String(load_default="", validate=[SHORT, no_nul])
    beacon = fields.String(load_default="", validate=[SHORT, no_nul])
    run = fields.String(load_default="", validate=[SHORT, no_nul])
    text = fields.String(load_default="", validate=[validate.Length(max=200), no_nul])
    order = fields.String(load_default="newest", validate=validate.OneOf(["newest", "oldest", "next"]))
