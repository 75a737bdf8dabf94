"""The gateway: connections, entities, policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from schema.sql import Json, LongText, UtcDateTime
from tasks.migrations import steps

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "gateway_connection",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("guid", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("secrets", LongText, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("connected", sa.Boolean, nullable=False),
        sa.Column("auto_connect", sa.Boolean, nullable=False),
        sa.Column("description", LongText, nullable=False),
        sa.Column("databeacon", sa.String(64), nullable=False),
        sa.Column("last_tested_at", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(160), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", sa.String(160), nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("status IN ('Untested', 'OK', 'Failed', 'Connected')", name=op.f("ck_gateway_connection_status")),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_connection"),
        sa.UniqueConstraint("hub", "slug", name="uq_gateway_connection_hub_slug"),
    )
    steps.create_table(
        "gateway_entity",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("connection_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("schema_name", sa.String(80), nullable=False),
        sa.Column("table_name", sa.String(128), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("columns", Json, nullable=False),
        sa.Column("keys", Json, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("row_estimate", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("introspected_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_entity"),
        sa.UniqueConstraint("connection_id", "name", name="uq_gateway_entity_connection_id_name"),
    )
    steps.create_table(
        "gateway_policy",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(160), nullable=False),
        sa.Column("pattern", sa.String(255), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_policy"),
    )
    steps.create_index("ix_gateway_policy_hub", "gateway_policy", ["hub"])
