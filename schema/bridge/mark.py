"""How far a hub's changes have been taken to a database: kept there, and moved in the transaction that takes them."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import LongText, UtcDateTime

#: What is ours in the database beside the tables that the descriptor names.
metadata = sa.MetaData()

#: A database that is restored from a backup comes back with the mark that belongs to its rows, and so the copy goes on from there.
mark = sa.Table(
    "ultravisor_mirror",
    metadata,
    sa.Column("instance", sa.String(64), primary_key=True),
    #: The feed whose numbers these are: of another one they say nothing, and everything is copied anew.
    sa.Column("feed", sa.String(36), nullable=False),
    #: Number of the newest change that is here with all before it.
    sa.Column("position", sa.BigInteger, nullable=False),
    #: Where copying what was there before stands: [table, row key]; empty once it is done.
    sa.Column("copying", LongText, nullable=False),
    #: JSON: rows of the hub by table.
    sa.Column("counts", LongText, nullable=False),
    sa.Column("moved_at", UtcDateTime, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)
