"""What the gateway knows: connections and the tables behind them, and what lies of ours in a foreign database."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import Json, LongText, UtcDateTime, table

#: A foreign database. Its secrets are sealed; only a worker can open them.
connection = table(
    "gateway_connection",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hub", sa.String(64), nullable=False),
    sa.Column("guid", sa.String(36), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    #: Its part of the path in `/1.0/<slug>/<Table>`. A rename keeps it; one that is deleted gives it up.
    sa.Column("slug", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("config", Json, nullable=False),
    #: Fernet token of a JSON object, empty without secrets.
    sa.Column("secrets", LongText, nullable=False),
    #: Goes up with each change of kind, config or secrets: a worker that holds an older engine opens another.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("error", sa.String(500), nullable=False),
    sa.Column("connected", sa.Boolean, nullable=False),
    sa.Column("auto_connect", sa.Boolean, nullable=False),
    sa.Column("description", LongText, nullable=False),
    #: The databeacon that serves it, empty for the hub's own workers.
    sa.Column("databeacon", sa.String(64), nullable=False),
    sa.Column("last_tested_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(160), nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("updated_by", sa.String(160), nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    sa.UniqueConstraint("hub", "slug"),
    sa.CheckConstraint("status IN ('Untested', 'OK', 'Failed', 'Connected')", name="status"),
)

#: A table or view of a foreign database, as it was found, and whether it is served.
entity = table(
    "gateway_entity",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("connection_id", sa.Integer, nullable=False),
    #: Its name in addresses: the table's own, with its schema before it where that is not the usual one.
    sa.Column("name", sa.String(160), nullable=False),
    sa.Column("schema_name", sa.String(80), nullable=False),
    sa.Column("table_name", sa.String(128), nullable=False),
    #: `table` or `view`.
    sa.Column("form", sa.String(8), nullable=False),
    #: Columns in wire names.
    sa.Column("columns", Json, nullable=False),
    #: Column lists of the primary key and of the unique keys by name.
    sa.Column("keys", Json, nullable=False),
    #: Of columns and keys: what a worker has loaded is current while this is the same.
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("row_estimate", sa.BigInteger, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("introspected_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("connection_id", "name"),
)

#: What a caller from the mesh may reach, beside what everybody may. One that has expired says nothing.
policy = table(
    "gateway_policy",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("hub", sa.String(64), nullable=False, index=True),
    #: Whose wish it is: replaced and revoked under this name.
    sa.Column("owner", sa.String(160), nullable=False),
    #: `<slug>/<Table>`, each with `*` for any run of characters but a slash.
    sa.Column("pattern", sa.String(255), nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

#: What is ours in a foreign database, apart from the hub's own tables.
abroad = sa.MetaData()

#: Every change of shape that we have made there: by which descriptor, with which statements, for whom.
shape_ledger = sa.Table(
    "ultravisor_schema",
    abroad,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("schema_name", sa.String(128), nullable=False, index=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("statements", LongText, nullable=False),
    sa.Column("skipped", LongText, nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("applied_at", UtcDateTime, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)
