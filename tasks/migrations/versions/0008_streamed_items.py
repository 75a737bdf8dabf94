"""Items whose progress somebody is told of."""

from __future__ import annotations

import sqlalchemy as sa

from tasks.migrations import steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.add_column("hub_work_item", sa.Column("streamed", sa.Boolean, nullable=False, server_default="0"))
