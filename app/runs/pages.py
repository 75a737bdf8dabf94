"""What the lists of operations and runs can be asked for."""

from __future__ import annotations

from marshmallow import fields, validate

from app.paging import Capped, Cursor, PageWire
from schema.runs.rules.run import STATUSES
from schema.wire import Wire, no_nul


class ManifestsQuery(PageWire):
    """Runs, newest first; those of one state or one operation, or those of `hashes` with their whole manifests."""

    limit = Capped(1, 1_000, load_default=100)
    status = fields.String(load_default="", validate=validate.OneOf(["", *STATUSES]))
    operation = fields.String(load_default="")
    hashes = fields.String(load_default="", metadata={"description": "Hashes of up to 100 runs, separated by commas."})


class ManifestQuery(Wire):
    """One run; `inline=outputs` shows large outputs whole."""

    inline = fields.String(load_default="", validate=validate.OneOf(["", "outputs"]))


class HistoryQuery(Wire):
    """A page of a run's history: `after` is the Seq of the last event seen."""

    limit = Capped(1, 5_000, load_default=500)
    after = fields.Integer(load_default=0, validate=validate.Range(min=0))


class ExecuteQuery(Wire):
    """How a run is carried out."""

    RunMode = fields.String(load_default="standard", validate=validate.OneOf(["production", "standard", "debug"]))


class ListQuery(PageWire):
    """A page of a list that was a whole array in the original: long ones are cut, and the way on is in the headers."""

    limit = Capped(1, 1_000, load_default=1_000)
    after = Cursor(load_default=None)


class OperationsQuery(Wire):
    """Operations by name; those that hold a text, if one is given."""

    limit = Capped(1, 200, load_default=50)
    after = Cursor(2, load_default=None)
    text = fields.String(load_default="", validate=[validate.Length(max=200), no_nul])


class OutputQuery(Wire):
    """Which output of which node."""

    node = fields.String(required=True, validate=[validate.Length(min=1, max=256), no_nul])
    name = fields.String(required=True, validate=[validate.Length(min=1, max=256), no_nul])
