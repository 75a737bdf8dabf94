"""Where a hub's rows are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from schema.sql import UtcDateTime
from tasks.migrations import steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATES = "'unassigned', 'waiting-for-beacon', 'bootstrapping', 'bootstrapped', 'error'"


def upgrade() -> None:
    steps.create_table(
        "bridge_assignment",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.Integer, nullable=False),
        sa.Column("beacon", sa.String(128), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("assigned_at", UtcDateTime),
        sa.Column("assigned_by", sa.String(160), nullable=False),
        sa.Column("bootstrapped_at", UtcDateTime),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("retention_days", sa.Integer, nullable=False),
        sa.Column("cancelled_retention_days", sa.Integer, nullable=False),
        sa.Column("legal_hold", sa.Boolean, nullable=False),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_bridge_assignment_state")),
        sa.CheckConstraint("(state = 'unassigned') = (connection_id = 0)", name=op.f("ck_bridge_assignment_has_connection")),
        sa.CheckConstraint("state <> 'bootstrapped' OR bootstrapped_at IS NOT NULL", name=op.f("ck_bridge_assignment_bootstrapped_has_time")),
        sa.CheckConstraint("retention_days >= 0 AND cancelled_retention_days >= 0", name=op.f("ck_bridge_assignment_days")),
        sa.PrimaryKeyConstraint("hub", name="pk_bridge_assignment"),
    )
    steps.create_table(
        "bridge_event",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("happening", sa.String(24), nullable=False),
        sa.Column("from_state", sa.String(24), nullable=False),
        sa.Column("to_state", sa.String(24), nullable=False),
        sa.Column("connection_id", sa.Integer, nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bridge_event"),
    )
    steps.create_index("ix_bridge_event_hub", "bridge_event", ["hub", "id"])
