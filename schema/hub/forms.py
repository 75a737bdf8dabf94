"""What clients may send to the hub. Shapes only: policy is the verbs' and rules' business."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, pre_load, validate, validates_schema

from schema.hub.frames import INTERMEDIATE_BYTES
from schema.hub.reply import REPLY
from schema.hub.rules.canceling import GRACE_MS
from schema.wire import NAME, SHORT, FreeObject, Wire, no_nul

#: Longest text that a report may carry as message or error.
LONG = validate.Length(max=65_536)
#: The longest a poll may wait, in milliseconds.
LONGEST_POLL_MS = 30_000
#: Items of one batch of orders, and of one batch of reports.
MOST_ENQUEUED = 1_000
MOST_REPORTED = 256
INT32 = validate.Range(min=-(2**31) + 1, max=2**31 - 1)
#: A year, in milliseconds; 0 means no limit.
TIMEOUT = validate.Range(min=0, max=2**31 - 1)


def intermediate(value: str) -> None:
    """Base64 of what fits into one frame. Raises ValidationError."""
    if len(value) > 4 * (INTERMEDIATE_BYTES // 3 + 1):
        raise ValidationError(f"At most {INTERMEDIATE_BYTES} bytes; more than that is a file, see Upload.")
    try:
        a2b_base64(value, strict_mode=True)
    except ValueError:
        raise ValidationError("This is not base64.") from None


class HandWire(Wire):
    """One item that a beacon works on."""

    WorkItemHash = fields.String(required=True, validate=NAME)
    AttemptNumber = fields.Integer(required=True, strict=True, validate=INT32)


class RegisterWire(Wire):
    """A beacon's registration."""

    Name = fields.String(required=True, validate=[NAME, no_nul])
    Capabilities = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(max=500))
    ActionSchemas = fields.List(FreeObject(), load_default=list)
    MaxConcurrent = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=10_000))
    Tags = FreeObject(load_default=dict)
    Contexts = FreeObject(load_default=dict)
    Operations = fields.List(
        FreeObject(), load_default=list, validate=validate.Length(max=500), metadata={"description": "Kept as the beacon's, for everybody to run."}
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


def not_reserved(metadata: dict[str, Any]) -> None:
    """Whoever could say it would end a node of somebody else's run. Raises ValidationError."""
    if REPLY in metadata:
        raise ValidationError(f"{REPLY} is the hub's own.")


class Lenient(Wire):
    """A form whose senders write null for what they do not mean, as the original's clients do."""

    @pre_load
    def _absent(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class EnqueueWire(Lenient):
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
    TimeoutMs = fields.Integer(
        load_default=None, strict=True, validate=TIMEOUT, metadata={"description": "Time of one attempt, 0 for no limit; else the action's default."}
    )
    Priority = fields.Integer(
        load_default=None, strict=True, validate=INT32, metadata={"description": "Higher goes first; else the action's default."}
    )
    MaxAttempts = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=1_000))
    RetryBackoffMs = fields.Integer(load_default=None, strict=True, validate=TIMEOUT)
    ConcurrencyKey = fields.String(
        load_default="",
        validate=[SHORT, no_nul],
        metadata={"description": "Of items with the key at most ConcurrencyLimit are under way, in their order."},
    )
    ConcurrencyLimit = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=1_000_000))
    UniqueKey = fields.String(
        load_default="", validate=[SHORT, no_nul], metadata={"description": "A second item with the key within UniqueWindowMs is the first one."}
    )
    UniqueWindowMs = fields.Integer(load_default=86_400_000, strict=True, validate=validate.Range(min=1, max=2**31 - 1))
    NotBefore = fields.AwareDateTime(load_default=None, format="iso", metadata={"description": "When the item may begin; wins over DelayMs."})
    DelayMs = fields.Integer(load_default=0, strict=True, validate=TIMEOUT)
    SubmitterTag = fields.String(load_default="", validate=[validate.Length(max=256), no_nul])
    Metadata = FreeObject(load_default=dict, validate=not_reserved)


class DispatchWire(Lenient):
    """A work item whose end is waited for."""

    Capability = fields.String(required=True, validate=[NAME, no_nul])
    Action = fields.String(load_default="Execute", validate=[NAME, no_nul])
    Settings = FreeObject(load_default=dict)
    AffinityKey = fields.String(load_default="", validate=[SHORT, no_nul])
    RequireAffinityMatch = fields.Boolean(load_default=False)
    TimeoutMs = fields.Integer(
        load_default=300_000,
        strict=True,
        validate=validate.Range(min=1, max=86_400_000),
        metadata={"description": "Time of one attempt, and how long the answer waits."},
    )
    Priority = fields.Integer(load_default=None, strict=True, validate=INT32)
    RunID = fields.String(load_default="", validate=[SHORT, no_nul])
    SubmitterTag = fields.String(load_default="", validate=[validate.Length(max=256), no_nul])
    Metadata = FreeObject(load_default=dict, validate=not_reserved)


class DispatchStreamWire(DispatchWire):
    """A work item whose progress and end are streamed."""

    CancelOnDisconnect = fields.Boolean(
        load_default=False, metadata={"description": "Cancel the item when the caller hangs up before its end; without it the work goes on."}
    )


class EnqueueBatchWire(Lenient):
    """Many work items. Each is judged by itself."""

    Items = fields.List(fields.Raw(allow_none=True), required=True, validate=validate.Length(min=1, max=MOST_ENQUEUED))
    RunID = fields.String(load_default="", validate=[SHORT, no_nul])
    SubmitterTag = fields.String(load_default="", validate=[validate.Length(max=256), no_nul])


class CancelWire(Lenient):
    """An item is not wanted any more."""

    Reason = fields.String(load_default="", validate=[validate.Length(max=512), no_nul])
    GraceMs = fields.Integer(
        load_default=GRACE_MS,
        strict=True,
        validate=validate.Range(min=0, max=3_600_000),
        metadata={"description": "How long the holder may take for its last word."},
    )


class ReorderWire(Wire):
    """Which neighbour is to be passed."""

    Direction = fields.String(required=True, validate=validate.OneOf(["up", "down"]))


class PriorityWire(Lenient):
    """Another priority for a waiting item."""

    Priority = fields.Integer(required=True, strict=True, validate=INT32)


class ManyWire(Lenient):
    """Items that are named by their hashes."""

    Hashes = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(min=1, max=MOST_ENQUEUED))


class CancelBatchWire(ManyWire, CancelWire):
    """Many items that are not wanted any more."""


class PriorityBatchWire(ManyWire, PriorityWire):
    """One priority for many waiting items."""


class RequeueWire(Lenient):
    """Another chance for a failed item; what is absent stays as it is."""

    Settings = FreeObject(load_default=None)
    Priority = fields.Integer(load_default=None, strict=True, validate=INT32)


class RequeueManyWire(Lenient):
    """Another chance for many: those of Hashes, else the oldest of Status."""

    Status = fields.String(load_default="Error", validate=validate.OneOf(["Error", "Canceled"]))
    Capability = fields.String(load_default="", validate=[SHORT, no_nul])
    Hashes = fields.List(fields.String(validate=NAME), load_default=None, validate=validate.Length(min=1, max=MOST_ENQUEUED))
    Limit = fields.Integer(load_default=100, strict=True, validate=validate.Range(min=1, max=MOST_ENQUEUED))


class RunStartWire(Lenient):
    """A run to be opened."""

    IdempotencyKey = fields.String(load_default=None, validate=[validate.Length(min=1, max=255), no_nul])
    SubmitterTag = fields.String(load_default="", validate=[validate.Length(max=256), no_nul])
    Metadata = FreeObject(load_default=dict, validate=not_reserved)


class RunEndWire(Lenient):
    """How a run has ended."""

    State = fields.String(load_default="Ended", validate=[validate.Length(min=1, max=32), no_nul])


class PauseWire(Lenient):
    """Why something is paused or resumed."""

    Reason = fields.String(load_default="", validate=[validate.Length(max=512), no_nul])


class ActionDefaultsWire(Lenient):
    """What holds for items of an action whose sender does not say; an empty Action stands for all of the capability."""

    Capability = fields.String(required=True, validate=[NAME, no_nul])
    Action = fields.String(load_default="", validate=[SHORT, no_nul])
    TimeoutMs = fields.Integer(load_default=None, strict=True, validate=TIMEOUT)
    MaxAttempts = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=1_000))
    RetryBackoffMs = fields.Integer(load_default=None, strict=True, validate=TIMEOUT)
    DefaultPriority = fields.Integer(load_default=None, strict=True, validate=INT32)
    ExpectedWaitP95Ms = fields.Integer(load_default=0, strict=True, validate=TIMEOUT)
    HeartbeatExpectedMs = fields.Integer(load_default=60_000, strict=True, validate=TIMEOUT)
    MinSamplesForBaseline = fields.Integer(load_default=20, strict=True, validate=TIMEOUT)


class ActionWire(Lenient):
    """The action whose defaults are forgotten."""

    Capability = fields.String(required=True, validate=[NAME, no_nul])
    Action = fields.String(load_default="", validate=[SHORT, no_nul])


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
    AttemptNumber = fields.Integer(load_default=None, allow_none=True, strict=True, validate=INT32)
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
    Step = fields.Integer(load_default=None, allow_none=True, validate=INT32)
    TotalSteps = fields.Integer(load_default=None, allow_none=True, validate=INT32)
    BinaryData = fields.String(
        load_default=None,
        allow_none=True,
        validate=intermediate,
        metadata={"description": "Base64 of up to 1 MiB, for whoever has the item streamed; kept nowhere."},
    )


class CompleteRowWire(CompleteWire):
    """A finished item among others."""

    WorkItemHash = fields.String(required=True, validate=NAME)


class ProgressRowWire(ProgressWire):
    """How far an item among others is."""

    WorkItemHash = fields.String(required=True, validate=NAME)


class CompleteBatchWire(Lenient):
    """Many finished items, under either name. Each is judged by itself."""

    Items = fields.List(fields.Raw(allow_none=True), validate=validate.Length(max=MOST_REPORTED))
    Completions = fields.List(fields.Raw(allow_none=True), validate=validate.Length(max=MOST_REPORTED))

    @validates_schema
    def _one(self, data: Any, **_: Any) -> None:
        one_of(data, "Items", "Completions")


class ProgressBatchWire(Lenient):
    """Many signs of progress, under either name. Each is judged by itself."""

    Items = fields.List(fields.Raw(allow_none=True), validate=validate.Length(max=MOST_REPORTED))
    Progress = fields.List(fields.Raw(allow_none=True), validate=validate.Length(max=MOST_REPORTED))

    @validates_schema
    def _one(self, data: Any, **_: Any) -> None:
        one_of(data, "Items", "Progress")


class ProbeWire(Wire):
    """Which beacons to try to reach, all that announce an address without a list."""

    BeaconIDs = fields.List(fields.String(validate=NAME), load_default=None, allow_none=True, validate=validate.Length(max=500))
    waitMs = fields.Integer(
        load_default=8_000,
        strict=True,
        validate=validate.Range(min=0, max=LONGEST_POLL_MS),
        metadata={"description": "How long the answer waits for the tries to end."},
    )


def one_of(data: Any, *names: str) -> None:
    """Raises ValidationError unless exactly one of the names has rows."""
    if sum(bool(data.get(name)) for name in names) != 1:
        raise ValidationError(f"Rows are wanted under {' or '.join(names)}.", names[0])
