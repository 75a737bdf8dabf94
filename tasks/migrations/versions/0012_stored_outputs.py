"""Large outputs of nodes lie in the content store."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import Json
from tasks.migrations import steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.add_column("runs_node", sa.Column("stored", Json))
