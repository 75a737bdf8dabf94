"""Content, and the files of attempts that refer to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from schema.sql import UtcDateTime
from tasks.migrations import steps

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Bytes = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    steps.create_table(
        "content_upload",
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("begun_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name="pk_content_upload"),
        sa.CheckConstraint("state IN ('Open', 'Whole', 'Dropped')", name=op.f("ck_content_upload_state")),
    )
    steps.create_index("ix_content_upload_state_begun_at", "content_upload", ["state", "begun_at"])
    steps.create_table(
        "content_chunk",
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("data", Bytes, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_content_chunk"),
    )
    steps.create_table(
        "content_blob",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("chunk_bytes", sa.Integer, nullable=False),
        sa.Column("refs", sa.Integer, nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.Column("touched_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_content_blob"),
        sa.CheckConstraint("refs >= 0", name=op.f("ck_content_blob_refs")),
    )
    steps.create_index("ix_content_blob_refs_touched_at", "content_blob", ["refs", "touched_at"])
    steps.create_table(
        "hub_artifact",
        sa.Column("work_item_hash", sa.String(128), nullable=False),
        sa.Column("attempt_number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(128), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_type", sa.String(128), nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("work_item_hash", "attempt_number", "filename", name="pk_hub_artifact"),
    )
    steps.create_index("ix_hub_artifact_digest", "hub_artifact", ["digest"])
