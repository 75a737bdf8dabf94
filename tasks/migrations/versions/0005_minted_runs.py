"""Runs that were opened for items that named none."""

from __future__ import annotations

import sqlalchemy as sa

from tasks.migrations import steps

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.add_column("hub_run", sa.Column("minted", sa.Boolean, nullable=False, server_default="0"))
