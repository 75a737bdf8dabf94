"""What exercises have shown."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import Json, UtcDateTime
from tasks.migrations import steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "runs_exercise",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("time_scale", sa.Float, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("verdicts", Json, nullable=False),
        sa.Column("measured", Json, nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_runs_exercise"),
    )
    steps.create_index("ix_runs_exercise_newest", "runs_exercise", ["hub", "started_at"])
