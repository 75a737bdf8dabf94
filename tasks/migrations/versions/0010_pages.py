"""What pages ask for: the items of a run by age, and how the queue stood."""

from __future__ import annotations

import sqlalchemy as sa

from tasks.migrations import steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_index("ix_hub_work_item_run_age", "hub_work_item", ["run_id", "ticket"])
    steps.drop_index("ix_hub_work_item_run", "hub_work_item")
    steps.create_table(
        "hub_sample",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("waiting", "running", "stalled", "stored", "completed", "errored", "canceled")),
        *(sa.Column(name, sa.Integer) for name in ("wait_p50", "wait_p95", "run_p50", "run_p95")),
        sa.Column("beacons", sa.Integer, nullable=False),
        sa.Column("slots", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hub", "slot", name="pk_hub_sample"),
    )
