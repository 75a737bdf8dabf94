"""What clients may send about a hub's persistence. Shapes only."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from schema.wire import NAME, Wire, no_nul

ID = validate.Range(min=0, max=2**31 - 1)
DAYS = validate.Range(min=0, max=36_500)


class AssignWire(Wire):
    """Where the hub's rows shall be kept. A BeaconID of null: nowhere else."""

    BeaconID = fields.String(required=True, allow_none=True, validate=[NAME, no_nul], metadata={"description": "Name of a databeacon; null: clear."})
    IDBeaconConnection = fields.Integer(load_default=0, allow_none=True, strict=True, validate=ID)

    @validates_schema
    def _connection(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("BeaconID") is not None and not data.get("IDBeaconConnection"):
            raise ValidationError("Required with a BeaconID.", "IDBeaconConnection")


class ChoiceWire(Wire):
    """Which databeacon and which of its connections. Without a databeacon: none."""

    IDBeacon = fields.Integer(required=True, allow_none=True, strict=True, validate=ID)
    IDBeaconConnection = fields.Integer(load_default=0, allow_none=True, strict=True, validate=ID)

    @validates_schema
    def _connection(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("IDBeacon") and not data.get("IDBeaconConnection"):
            raise ValidationError("Required with an IDBeacon.", "IDBeaconConnection")


class RetentionWire(Wire):
    """How long ended items are kept there. What is not given stays."""

    RetentionDays = fields.Integer(load_default=None, strict=True, validate=DAYS, metadata={"description": "0: for ever."})
    CancelledRetentionDays = fields.Integer(load_default=None, strict=True, validate=DAYS, metadata={"description": "0: as long as the others."})
    LegalHold = fields.Boolean(load_default=None, metadata={"description": "Nothing is deleted there, whatever its age."})


class SweepWire(Wire):
    """Whether to delete, or only to count."""

    DryRun = fields.Boolean(load_default=True)
