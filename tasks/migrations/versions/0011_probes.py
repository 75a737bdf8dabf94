"""Which beacons the hub could reach where they say that they listen."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import UtcDateTime
from tasks.migrations import steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "hub_probe",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("probed_at", UtcDateTime()),
        sa.Column("status", sa.String(16)),
        sa.Column("url", sa.String(512)),
        sa.Column("detail", sa.String(512)),
        sa.Column("latency_ms", sa.Integer),
        sa.PrimaryKeyConstraint("hub", "beacon_id", name="pk_hub_probe"),
        sa.CheckConstraint("status IN ('reachable', 'unreachable', 'refused')", name=sa.schema.conv("ck_hub_probe_status")),
    )
