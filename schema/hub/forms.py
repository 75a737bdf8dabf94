"""What clients may send to the hub. Shapes only: policy is the verbs' and rules' business."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, fields, pre_load, validate

from schema.wire import NAME, SHORT, FreeObject, Wire, no_nul

#: Longest text that a report may carry as message or error.
LONG = validate.Length(max=65_536)
#: The longest a poll may wait, in milliseconds.
LONGEST_POLL_MS = 30_000
INT32 = validate.Range(min=-(2**31) + 1, max=2**31 - 1)
#: A year, in milliseconds; 0 means no limit.
TIMEOUT = validate.Range(min=0, max=2**31 - 1)


class HandWire(Wire):
    """One item that a beacon works on."""

    WorkItemHash = fields.String(required=True, validate=NAME)
    AttemptNumber = fields.Integer(required=True, strict=True)


class RegisterWire(Wire):
    """A beacon's registration."""

    Name = fields.String(required=True, validate=[NAME, no_nul])
    Capabilities = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(max=500))
    ActionSchemas = fields.List(FreeObject(), load_default=list)
    MaxConcurrent = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=10_000))
    Tags = FreeObject(load_default=dict)
    Contexts = FreeObject(load_default=dict)
    Operations = fields.List(
        FreeObject(), load_default=list, metadata={"description": "Accepted, so that a beacon that brings operations can join; they are not stored."}
    )
    BindAddresses = fields.List(FreeObject(), load_default=list)
    SharedMounts = fields.List(FreeObject(), load_default=list)
    HostID = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    JoinSecret = fields.String(load_default=None, allow_none=True, load_only=True)
    HeartbeatIntervalMs = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=500, max=600_000),
        metadata={"description": "How often the beacon promises to make contact. Three missed contacts and it counts as lost."},
    )
    WorkItems = fields.List(
        fields.Nested(HandWire),
        load_default=None,
        allow_none=True,
        metadata={"description": "What the beacon works on right now. When given, whatever else it held goes back to the queue at once."},
    )


class EnqueueWire(Wire):
    """A work item to be done."""

    Capability = fields.String(required=True, validate=[NAME, no_nul])
    Action = fields.String(load_default="Execute", validate=[NAME, no_nul])
    Settings = FreeObject(load_default=dict)
    RunID = fields.String(load_default="", validate=[SHORT, no_nul])
    RunHash = fields.String(load_default="", validate=[SHORT, no_nul])
    NodeHash = fields.String(load_default="", validate=[SHORT, no_nul])
    OperationHash = fields.String(load_default="", validate=[SHORT, no_nul])
    AffinityKey = fields.String(load_default="", validate=[SHORT, no_nul])
    RequireAffinityMatch = fields.Boolean(load_default=False)
    TimeoutMs = fields.Integer(load_default=300_000, strict=True, validate=TIMEOUT)
    Priority = fields.Integer(load_default=0, strict=True, validate=INT32)
    SubmitterTag = fields.String(load_default="", validate=[validate.Length(max=256), no_nul])
    Metadata = FreeObject(load_default=dict)

    @pre_load
    def _absent(self, data: Any, **_: Any) -> Any:
        """The original's clients send null for what they do not mean."""
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class PollWire(Wire):
    """A beacon asks for work."""

    BeaconID = fields.String(required=True, validate=NAME)
    waitMs = fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(min=0, max=LONGEST_POLL_MS),
        metadata={"description": "How long the answer may wait for work to come."},
    )


class HeartbeatWire(Wire):
    """A sign of life; anything may stand in it, only WorkItems is read."""

    class Meta:
        unknown = EXCLUDE

    WorkItems = fields.List(fields.Nested(HandWire), load_default=None, allow_none=True)


class ReportWire(Wire):
    """What every report may say of its sender: BeaconID and AttemptNumber are the fence."""

    BeaconID = fields.String(load_default=None, allow_none=True, validate=NAME)
    AttemptNumber = fields.Integer(load_default=None, allow_none=True, strict=True)
    Log = fields.List(fields.String(), load_default=list)


class CompleteWire(ReportWire):
    """A finished item."""

    Outputs = FreeObject(load_default=dict)


class FailWire(ReportWire):
    """A failed item."""

    ErrorMessage = fields.String(load_default="", validate=LONG)


class ProgressWire(ReportWire):
    """How far an item is."""

    Percent = fields.Float(load_default=None, allow_none=True, validate=validate.Range(min=0, max=100))
    Message = fields.String(load_default="", allow_none=True, validate=LONG)
    Step = fields.Integer(load_default=None, allow_none=True)
    TotalSteps = fields.Integer(load_default=None, allow_none=True)
