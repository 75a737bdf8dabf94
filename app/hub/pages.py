"""What the hub's lists can be asked for."""

from __future__ import annotations

from marshmallow import fields, validate

from app.paging import PageWire
from schema.hub.rules.lifecycle import BUCKET_NAMES, STATUSES
from schema.wire import Wire


class ItemsQuery(PageWire):
    """Items, of one state if it is named."""

    status = fields.String(load_default="", validate=validate.OneOf(["", *STATUSES]))


class QueueQuery(PageWire):
    """The board: one bucket if it is named, with what has ended if `include` is `history`."""

    limit = fields.Integer(load_default=200, validate=validate.Range(min=1, max=5_000))
    bucket = fields.String(load_default="", validate=validate.OneOf(["", *BUCKET_NAMES]))
    include = fields.String(load_default="", validate=validate.OneOf(["", "history"]))


class EventsQuery(Wire):
    """A page of an item's history: `after` is the Seq of the last event seen."""

    limit = fields.Integer(load_default=500, validate=validate.Range(min=1, max=5_000))
    after = fields.Integer(load_default=0, validate=validate.Range(min=0))
