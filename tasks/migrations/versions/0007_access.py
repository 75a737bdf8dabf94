"""Users, tokens, join secrets, and to whom a beacon's name belongs."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import UtcDateTime
from tasks.migrations import steps

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "access_user",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("full_name", sa.String(256), nullable=False),
        sa.Column("email", sa.String(256), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("removed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_access_user"),
        sa.UniqueConstraint("name", name="uq_access_user_name"),
    )
    steps.create_table(
        "access_token",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_access_token"),
        sa.UniqueConstraint("digest", name="uq_access_token_digest"),
        sa.UniqueConstraint("user_id", "name", name="uq_access_token_user_id_name"),
    )
    steps.create_table(
        "access_join_secret",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_access_join_secret"),
        sa.UniqueConstraint("digest", name="uq_access_join_secret_digest"),
    )
    steps.create_index("ix_access_join_secret_name", "access_join_secret", ["name"])
    steps.create_table(
        "access_bootstrap",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("offered_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_access_bootstrap"),
    )
    steps.add_column("hub_beacon", sa.Column("owner", sa.String(160)))
