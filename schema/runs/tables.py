"""Operations with revisions, runs with nodes and history, schedules with occurrences. The clients' names are in `schema.runs.wire`."""

from __future__ import annotations

import sqlalchemy as sa

from schema.runs.rules.nodes import STATES
from schema.runs.rules.run import FINAL, MODES, STATUSES
from schema.sql import Json, LongText, UtcDateTime, table

Id = sa.String(40)
HubId = sa.String(64)
Hash = sa.String(128)


def _one_of(column: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


operation = table(
    "runs_operation",
    #: Made of hub and hash: see schema/hub/ids.py.
    sa.Column("id", Id, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("hash", Hash, nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    #: The revision that new runs take.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("revision_id", Id, nullable=False),
    sa.Column("node_count", sa.Integer, nullable=False),
    #: The beacon that brought it, if one did.
    sa.Column("source_beacon", Hash, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    #: A deleted operation keeps its revisions: runs of them may be under way.
    sa.Column("deleted_at", UtcDateTime),
    sa.UniqueConstraint("hub", "hash"),
)

#: What an operation was at a time: never changed, so that a run means for ever what it meant when it began.
revision = table(
    "runs_revision",
    #: UUIDv7: never used for another document, so that a process may keep what it has made of it.
    sa.Column("id", Id, primary_key=True),
    sa.Column("operation_id", Id, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    #: The whole operation, in the clients' names.
    sa.Column("document", Json, nullable=False),
    #: SHA-256 of the document.
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("saved_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("operation_id", "number"),
)

template = table(
    "runs_template",
    sa.Column("id", Id, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("hash", Hash, nullable=False),
    sa.Column("document", Json, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_runs_template_hub", "hub", "hash"),
)

run = table(
    "runs_run",
    sa.Column("run_hash", Hash, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    #: UUIDv7 of its beginning: the order of lists.
    sa.Column("ticket", sa.String(36), nullable=False),
    sa.Column("operation_hash", Hash, nullable=False),
    sa.Column("operation_name", sa.String(500), nullable=False),
    #: The revision that it runs, whatever becomes of the operation.
    sa.Column("revision_id", Id, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("mode", sa.String(32), nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    #: What started it: `api`, `schedule`, `operation`, `fork`.
    sa.Column("origin", sa.String(32), nullable=False),
    #: The occurrence of a schedule that it is.
    sa.Column("occurrence_id", Id),
    #: The run that waits for this one, with node, execution and attempt; empty for a run of its own.
    sa.Column("parent_run", Hash, nullable=False),
    sa.Column("parent", Json),
    sa.Column("depth", sa.Integer, nullable=False),
    #: Global, Operation, Output, Queue, Joins, as the engine left them.
    sa.Column("state", Json, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    #: Failures that no edge took.
    sa.Column("errors", sa.Integer, nullable=False),
    sa.Column("retried", sa.Boolean, nullable=False),
    #: Work items ordered so far.
    sa.Column("items", sa.Integer, nullable=False),
    #: Number of its newest event.
    sa.Column("seq", sa.Integer, nullable=False),
    #: Whether somebody waits for its end: then it is told with the commit.
    sa.Column("awaited", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("stopped_at", UtcDateTime),
    sa.Column("last_event_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(_one_of("status", STATUSES), name="status"),
    sa.CheckConstraint(_one_of("mode", MODES), name="mode"),
    sa.CheckConstraint(f"NOT ({_one_of('status', FINAL)}) OR (stopped_at IS NOT NULL AND active = 0 AND waiting = 0)", name="final_is_over"),
    sa.CheckConstraint("active >= 0 AND waiting >= 0 AND errors >= 0", name="counts"),
    sa.Index("ix_runs_run_newest", "hub", "ticket"),
    sa.Index("ix_runs_run_status", "hub", "status", "ticket"),
    sa.Index("ix_runs_run_operation", "hub", "operation_hash", "ticket"),
    sa.Index("ix_runs_run_parent", "parent_run"),
    sa.Index("ix_runs_run_occurrence", "occurrence_id"),
    mirrored=True,
)

node = table(
    "runs_node",
    #: Made of run and node.
    sa.Column("id", Id, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    #: The lane of its run, for the clock.
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("run_hash", Hash, nullable=False),
    sa.Column("node_hash", sa.String(256), nullable=False),
    sa.Column("type", sa.String(256), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    #: How often it has begun, and at which try of that it is: what reports are fenced with.
    sa.Column("execution", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("trigger_event", sa.String(256), nullable=False),
    sa.Column("outputs", Json, nullable=False),
    #: Large outputs, which lie in the content store: name -> Digest and Bytes.
    sa.Column("stored", Json),
    #: What it asks a person for.
    sa.Column("waiting", Json),
    #: Signals that came while it was busy.
    sa.Column("backlog", Json, nullable=False),
    sa.Column("memory", Json),
    #: Settings that somebody gave for a retry.
    sa.Column("overrides", Json),
    #: The settings with which a worker or a beacon was asked.
    sa.Column("settings", Json),
    #: The run that it has launched.
    sa.Column("child_run", Hash, nullable=False),
    sa.Column("error", LongText, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    #: When the clock must look at it: the end of a pause, of a wait, or of its time.
    sa.Column("due_at", UtcDateTime),
    #: When a worker was last asked to carry it out.
    sa.Column("asked_at", UtcDateTime),
    sa.CheckConstraint(_one_of("status", STATES), name="status"),
    sa.Index("ix_runs_node_run", "run_hash", "status"),
    sa.Index("ix_runs_node_due", "hub", "due_at"),
    sa.Index("ix_runs_node_asked", "hub", "status", "asked_at"),
)

#: The history of runs: appended to, never changed.
run_event = table(
    "runs_event",
    sa.Column("run_hash", Hash, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("event_guid", sa.String(36), nullable=False, unique=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("event_type", sa.String(32), nullable=False),
    sa.Column("node_hash", sa.String(256), nullable=False),
    #: Which beginning of the node it is about; 0 where it is about the run.
    sa.Column("execution", sa.Integer, nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("emitted_at", UtcDateTime, nullable=False),
    sa.Index("ix_runs_event_kind", "run_hash", "event_type", "seq"),
)

schedule = table(
    "runs_schedule",
    sa.Column("guid", Hash, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("operation_hash", Hash, nullable=False),
    #: cron, interval, hourly, daily or once.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("expression", sa.String(256), nullable=False),
    sa.Column("interval_ms", sa.BigInteger, nullable=False),
    #: An IANA time zone, in which the expression is meant.
    sa.Column("time_zone", sa.String(64), nullable=False),
    sa.Column("parameters", Json, nullable=False),
    sa.Column("mode", sa.String(32), nullable=False),
    #: What becomes of occurrences that nobody was there for: skip, once, all.
    sa.Column("missed", sa.String(16), nullable=False),
    #: What becomes of an occurrence while the one before still runs: queue, skip, replace.
    sa.Column("overlap", sa.String(16), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    #: Where an interval counts from; the moment of one that is due once.
    sa.Column("anchor_at", UtcDateTime, nullable=False),
    #: Who saved it last: for them its runs act.
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    #: The next occurrence; empty where there is none any more.
    sa.Column("next_at", UtcDateTime),
    sa.Column("last_at", UtcDateTime),
    sa.Index("ix_runs_schedule_due", "hub", "active", "next_at"),
)

#: Whether the schedules of a hub are looked at. Without a row they are.
scheduling = table(
    "runs_scheduling",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("running", sa.Boolean, nullable=False),
    #: When it was last switched on: what was due before that was not missed, it was not wanted.
    sa.Column("resumed_at", UtcDateTime),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

#: Each time that a schedule was due, once: whatever looks at the clock, and however often.
occurrence = table(
    "runs_occurrence",
    #: Made of the schedule and the moment.
    sa.Column("id", Id, primary_key=True),
    sa.Column("schedule_guid", Hash, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    #: Queued, Started, Skipped, Missed or Replaced, and at last the state in which its run ended.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(256), nullable=False),
    sa.Column("run_hash", Hash, nullable=False),
    sa.Column("fired_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.UniqueConstraint("schedule_guid", "due_at"),
    sa.Index("ix_runs_occurrence_open", "schedule_guid", "status"),
)

#: What exercises have shown: loads of known size, and how the hub bore them.
exercise = table(
    "runs_exercise",
    sa.Column("id", Id, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("name", Hash, nullable=False),
    #: 0.1: all times were a tenth of those in its file.
    sa.Column("time_scale", sa.Float, nullable=False),
    #: Running, Complete, FailedAssertions, TimedOut or Canceled.
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("verdicts", Json, nullable=False),
    #: Counts, drain and ideal, and percentiles.
    sa.Column("measured", Json, nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_runs_exercise_newest", "hub", "started_at"),
)
