"""Schedules that run: where they count from, for whom they act, and whether they are looked at."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import Json, UtcDateTime
from tasks.migrations import steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No release before this one could make a schedule: the table is empty.
    steps.drop_table("runs_schedule")
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
        sa.Column("anchor_at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("next_at", UtcDateTime),
        sa.Column("last_at", UtcDateTime),
        sa.PrimaryKeyConstraint("guid", name="pk_runs_schedule"),
    )
    steps.create_index("ix_runs_schedule_due", "runs_schedule", ["hub", "active", "next_at"])
    steps.create_table(
        "runs_scheduling",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("running", sa.Boolean, nullable=False),
        sa.Column("resumed_at", UtcDateTime),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("hub", name="pk_runs_scheduling"),
    )
