"""Forms of operations, runs and schedules. What clients of the original send is understood; what is neither known nor free is refused."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, fields, post_load, pre_load, validate

from schema.runs.ids import PLAIN_HASH
from schema.runs.rules.firing import MISSED, OVERLAP
from schema.runs.rules.run import MODES
from schema.runs.rules.schedule import KINDS
from schema.wire import NAME, FreeObject, Wire, no_nul

HASH = validate.Regexp(rf"{PLAIN_HASH}\Z", error="Letters, digits, dots, colons, dashes and underscores, 80 at most.")
MODE = validate.OneOf(MODES)
#: Runs that one request begins.
MOST_STARTED = 1_000


class Lenient(Wire):
    """A form whose senders write null for what they do not mean."""

    @pre_load
    def _absent(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class OperationWire(Lenient):
    """An operation, or the fields of one that change. Further fields are kept as they are."""

    class Meta:
        unknown = INCLUDE

    Hash = fields.String(validate=HASH)
    Name = fields.String(validate=[validate.Length(max=500), no_nul])
    Description = fields.String(validate=no_nul)
    Tags = fields.List(fields.String())
    Author = fields.String()
    Version = fields.String()
    Graph = FreeObject()
    SavedLayouts = fields.List(fields.Raw())
    InitialGlobalState = FreeObject()
    InitialOperationState = FreeObject()
    DefaultJoin = fields.String(validate=validate.OneOf(["any", "all"]))
    MaxExecutions = fields.Integer(strict=True, validate=validate.Range(min=1))


class TemplateWire(Lenient):
    """A node template; its fields are the editor's."""

    class Meta:
        unknown = INCLUDE

    Hash = fields.String(validate=HASH)
    Type = fields.String(validate=NAME)


class ModeWire(Lenient):
    """How a run is carried out."""

    RunMode = fields.String(load_default="standard", validate=MODE)
    Parameters = FreeObject(load_default=dict, metadata={"description": "What the operation's state begins with."})


class BatchRowWire(Lenient):
    """One run among others, by either name of its operation."""

    Hash = fields.String(validate=NAME)
    OperationHash = fields.String(validate=NAME)
    RunMode = fields.String(load_default="standard", validate=MODE)
    Settings = FreeObject(load_default=dict, metadata={"description": "What the operation's state begins with."})


class BatchWire(Lenient):
    """Many runs. Each is judged by itself."""

    Operations = fields.List(fields.Raw(allow_none=True), required=True, validate=validate.Length(min=1, max=MOST_STARTED))


class TriggerWire(Lenient):
    """A run whose end is waited for, unless Async says not to."""

    Parameters = FreeObject(load_default=dict)
    Async = fields.Boolean(load_default=False)
    TimeoutMs = fields.Integer(load_default=600_000, strict=True, validate=validate.Range(min=1, max=86_400_000))
    RunMode = fields.String(load_default="standard", validate=MODE)


class RetryWire(Lenient):
    """Which node begins again, and with which settings; without one, those that failed."""

    NodeHash = fields.String(load_default="", validate=validate.Length(max=256))
    SettingsOverrides = FreeObject(load_default=None)


class ForkWire(Lenient):
    """At which node the new run begins, and with which settings."""

    NodeHash = fields.String(required=True, validate=validate.Length(min=1, max=256))
    SettingsOverrides = FreeObject(load_default=None)


class AnswerWire(Wire):
    """The value for which a node waits: any JSON."""

    NodeHash = fields.String(required=True, validate=validate.Length(min=1, max=256))
    Value = fields.Raw(load_default=None, allow_none=True)


class ResumeWire(AnswerWire):
    """The same, with the run in the body."""

    RunHash = fields.String(required=True, validate=NAME)


class ForceWire(Lenient):
    """Which node is to fail, and why."""

    NodeHash = fields.String(required=True, validate=validate.Length(min=1, max=256))
    Reason = fields.String(load_default="", validate=[validate.Length(max=512), no_nul])


class AbandonWire(Lenient):
    """Why nobody wants the run any more."""

    Reason = fields.String(load_default="", validate=[validate.Length(max=512), no_nul])


class StaleWire(Lenient):
    """Since when nothing must have been heard of a run."""

    OlderThanMs = fields.Integer(load_default=3_600_000, strict=True, validate=validate.Range(min=1))


class HashesWire(Lenient):
    """Runs whose manifests are wanted."""

    Hashes = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(min=1, max=100))

    @post_load
    def _once(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"Hashes": list(dict.fromkeys(data["Hashes"]))}


class TimingWire(Lenient):
    """When something is due."""

    ScheduleType = fields.String(required=True, validate=validate.OneOf(KINDS))
    Parameters = fields.Raw(metadata={"description": "cron: the expression. interval: {IntervalMs}. once: a time. hourly, daily: nothing."})
    TimeZone = fields.String(load_default="UTC", validate=validate.Length(max=64))


class ScheduleChangeWire(Lenient):
    """The fields of a schedule that change."""

    Hash = fields.String(validate=[HASH, validate.Length(min=1)], metadata={"description": "The operation."})
    ScheduleType = fields.String(validate=validate.OneOf(KINDS))
    Parameters = fields.Raw(metadata={"description": "cron: the expression. interval: {IntervalMs}. once: a time. hourly, daily: nothing."})
    TimeZone = fields.String(validate=validate.Length(max=64), metadata={"description": "An IANA time zone."})
    MissedRuns = fields.String(validate=validate.OneOf(MISSED))
    Overlap = fields.String(validate=validate.OneOf(OVERLAP))
    RunMode = fields.String(validate=MODE)
    Settings = FreeObject(metadata={"description": "What the state of its runs begins with."})
    Active = fields.Boolean()


class ScheduleWire(ScheduleChangeWire):
    """An operation, and when it is to run."""

    Hash = fields.String(required=True, validate=[HASH, validate.Length(min=1)], metadata={"description": "The operation."})
    ScheduleType = fields.String(required=True, validate=validate.OneOf(KINDS))
