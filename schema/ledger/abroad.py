"""What a lane leaves in a foreign database that its batches change: one row for each lane."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import LongText, UtcDateTime

metadata = sa.MetaData()

#: How far a lane has been applied here, and what its last batch has left to be told at home. Moved by compare-and-swap in the batch's
#: own transaction: a batch that was applied here and not yet told is told by whoever comes next, and never applied again.
mark = sa.Table(
    "ultravisor_lane",
    metadata,
    sa.Column("lane", sa.String(128), primary_key=True),
    sa.Column("epoch", sa.String(36), nullable=False),
    sa.Column("position", sa.String(48), nullable=False),
    sa.Column("told", LongText, nullable=False),
    sa.Column("moved_at", UtcDateTime, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)
