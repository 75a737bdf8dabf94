"""Operations, runs and schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from schema.sql import Json, LongText, UtcDateTime
from tasks.migrations import steps

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "runs_operation",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(128), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("revision_id", sa.String(40), nullable=False),
        sa.Column("node_count", sa.Integer, nullable=False),
        sa.Column("source_beacon", sa.String(128), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_runs_operation"),
        sa.UniqueConstraint("hub", "hash", name="uq_runs_operation_hub_hash"),
    )
    steps.create_table(
        "runs_revision",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("operation_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("saved_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs_revision"),
        sa.UniqueConstraint("operation_id", "number", name="uq_runs_revision_operation_id_number"),
    )
    steps.create_table(
        "runs_template",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(128), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs_template"),
    )
    steps.create_index("ix_runs_template_hub", "runs_template", ["hub", "hash"])
    steps.create_table(
        "runs_run",
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("ticket", sa.String(36), nullable=False),
        sa.Column("operation_hash", sa.String(128), nullable=False),
        sa.Column("operation_name", sa.String(500), nullable=False),
        sa.Column("revision_id", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("occurrence_id", sa.String(40)),
        sa.Column("parent_run", sa.String(128), nullable=False),
        sa.Column("parent", Json),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("retried", sa.Boolean, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("awaited", sa.Boolean, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("stopped_at", UtcDateTime),
        sa.Column("last_event_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("active >= 0 AND waiting >= 0 AND errors >= 0", name=op.f("ck_runs_run_counts")),
        sa.CheckConstraint(
            "NOT (status IN ('Complete', 'Failed', 'Error', 'Stalled', 'Abandoned', 'Canceled')) OR (stopped_at IS NOT NULL AND active = 0 AND waiting = 0)",
            name=op.f("ck_runs_run_final_is_over"),
        ),
        sa.CheckConstraint("mode IN ('production', 'standard', 'debug')", name=op.f("ck_runs_run_mode")),
        sa.CheckConstraint(
            "status IN ('Queued', 'In Progress', 'Waiting', 'Retrying', 'Complete', 'Failed', 'Error', 'Stalled', 'Abandoned', 'Canceled')",
            name=op.f("ck_runs_run_status"),
        ),
        sa.PrimaryKeyConstraint("run_hash", name="pk_runs_run"),
    )
    steps.create_index("ix_runs_run_newest", "runs_run", ["hub", "ticket"])
    steps.create_index("ix_runs_run_occurrence", "runs_run", ["occurrence_id"])
    steps.create_index("ix_runs_run_operation", "runs_run", ["hub", "operation_hash", "ticket"])
    steps.create_index("ix_runs_run_parent", "runs_run", ["parent_run"])
    steps.create_index("ix_runs_run_status", "runs_run", ["hub", "status", "ticket"])
    steps.create_table(
        "runs_node",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("node_hash", sa.String(256), nullable=False),
        sa.Column("type", sa.String(256), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("execution", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("trigger_event", sa.String(256), nullable=False),
        sa.Column("outputs", Json, nullable=False),
        sa.Column("waiting", Json),
        sa.Column("backlog", Json, nullable=False),
        sa.Column("memory", Json),
        sa.Column("overrides", Json),
        sa.Column("settings", Json),
        sa.Column("child_run", sa.String(128), nullable=False),
        sa.Column("error", LongText, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("due_at", UtcDateTime),
        sa.Column("asked_at", UtcDateTime),
        sa.CheckConstraint(
            "status IN ('Idle', 'Complete', 'Error', 'Canceled', 'Working', 'Executing', 'Launched', 'Paused', 'Waiting')",
            name=op.f("ck_runs_node_status"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_runs_node"),
    )
    steps.create_index("ix_runs_node_asked", "runs_node", ["hub", "status", "asked_at"])
    steps.create_index("ix_runs_node_due", "runs_node", ["hub", "due_at"])
    steps.create_index("ix_runs_node_run", "runs_node", ["run_hash", "status"])
    steps.create_table(
        "runs_event",
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("event_guid", sa.String(36), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("event_type", sa.String(32), nullable=False),
        sa.Column("node_hash", sa.String(256), nullable=False),
        sa.Column("execution", sa.Integer, nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("emitted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("run_hash", "seq", name="pk_runs_event"),
        sa.UniqueConstraint("event_guid", name="uq_runs_event_event_guid"),
    )
    steps.create_index("ix_runs_event_kind", "runs_event", ["run_hash", "event_type", "seq"])
    steps.create_table(
        "runs_schedule",
        sa.Column("guid", sa.String(128), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("operation_hash", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("expression", sa.String(256), nullable=False),
        sa.Column("interval_ms", sa.BigInteger, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("missed", sa.String(16), nullable=False),
        sa.Column("overlap", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("next_at", UtcDateTime),
        sa.Column("last_at", UtcDateTime),
        sa.PrimaryKeyConstraint("guid", name="pk_runs_schedule"),
    )
    steps.create_index("ix_runs_schedule_due", "runs_schedule", ["hub", "active", "next_at"])
    steps.create_table(
        "runs_occurrence",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("schedule_guid", sa.String(128), nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("fired_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_runs_occurrence"),
        sa.UniqueConstraint("schedule_guid", "due_at", name="uq_runs_occurrence_schedule_guid_due_at"),
    )
    steps.create_index("ix_runs_occurrence_open", "runs_occurrence", ["schedule_guid", "status"])
