"""Which rows have changed, for whoever follows a hub."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import UtcDateTime
from tasks.migrations import steps

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "ledger_feed",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("guid", sa.String(36), nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("reader", sa.String(128), nullable=False),
        sa.Column("began_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("hub", name="pk_ledger_feed"),
    )
    steps.create_table(
        "ledger_change",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("row_key", sa.String(160), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("changed_by", sa.String(160), nullable=False),
        sa.Column("created_by", sa.String(160), nullable=False),
        sa.PrimaryKeyConstraint("hub", "source", "row_key", name="pk_ledger_change"),
    )
    steps.create_index("ix_ledger_change_number", "ledger_change", ["hub", "number"])
