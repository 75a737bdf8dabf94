"""What clients may send to the gateway. Shapes only: policy is the verbs' and rules' business."""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import ValidationError, fields, pre_load, validate

from schema.wire import FreeObject, Wire, no_nul

TITLE: list[Any] = [validate.Length(min=1, max=200), no_nul]
DATABEACON = validate.Regexp(r"[A-Za-z0-9_.-]{0,64}\Z")


class ObjectOrText(fields.Field[dict[str, Any]]):
    """A JSON object, or a text that holds one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise ValidationError("Not a JSON object.") from None
        if not isinstance(value, dict):
            raise ValidationError("Not a JSON object.")
        return value


class Absent(Wire):
    """A form whose senders write null for what they do not mean, and numbers for true and false."""

    @pre_load
    def _absent(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class CreateConnectionWire(Absent):
    """A database to be known."""

    Name = fields.String(load_default="Untitled Connection", validate=TITLE)
    Type = fields.String(load_default="MySQL", validate=validate.Length(min=1, max=64))
    Config = ObjectOrText(load_default=dict)
    AutoConnect = fields.Boolean(load_default=False)
    Description = fields.String(load_default="", validate=[validate.Length(max=10_000), no_nul])
    Databeacon = fields.String(load_default="", validate=DATABEACON, metadata={"description": "Which databeacon serves it; empty: the hub itself."})


class EditConnectionWire(Absent):
    """What shall be known differently of a database."""

    Name = fields.String(load_default=None, validate=TITLE)
    Type = fields.String(load_default=None, validate=validate.Length(min=1, max=64))
    Config = ObjectOrText(load_default=None, metadata={"description": "The whole config. A secret of *** is the stored one; none takes it away."})
    AutoConnect = fields.Boolean(load_default=None)
    Description = fields.String(load_default=None, validate=[validate.Length(max=10_000), no_nul])
    Status = fields.String(load_default=None, validate=validate.OneOf(["Untested", "OK", "Failed", "Connected"]))
    Databeacon = fields.String(load_default=None, validate=DATABEACON)


class TestConfigWire(Absent):
    """A database to be tried, not stored."""

    Type = fields.String(load_default="", validate=validate.Length(max=64))
    Config = ObjectOrText(load_default=dict)


class NothingWire(Wire):
    """Nothing is to be said."""


class SchemaWire(Absent):
    """A descriptor, and the name under which it is applied."""

    SchemaName = fields.String(load_default="", validate=[validate.Length(max=128), no_nul])
    SchemaJSON = ObjectOrText(required=True)


class EnsureSchemaWire(SchemaWire):
    """A descriptor to be applied."""

    PlanHash = fields.String(load_default="", validate=validate.Length(max=64), metadata={"description": "Do it only if this is still the plan."})
    Force = fields.Boolean(load_default=False, metadata={"description": "Also where a newer version was applied before."})


class QueryWire(Absent):
    """A statement that only reads, or a query as a tree."""

    SQL = fields.String(load_default="", validate=validate.Length(max=65_536))
    sql = fields.String(load_default="", validate=validate.Length(max=65_536))
    Query = FreeObject(load_default=None, metadata={"description": "From, Joins, Select, Where, GroupBy, Having, OrderBy, Limit, After."})


class IntrospectWire(Absent):
    """What is to be looked at."""

    TableName = fields.String(load_default=None, validate=[validate.Length(min=1, max=160), no_nul])
