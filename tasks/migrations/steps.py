"""Steps of migrations that can be taken again: MariaDB commits each by itself, so a migration that was killed begins anew in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def create_table(name: str, *items: sa.schema.SchemaItem) -> None:
    """Create a table with the manners of `schema.sql.table`, unless it was created before the migration was killed."""
    if not (_may_be_there() and sa.inspect(op.get_bind()).has_table(name)):
        op.create_table(name, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin")


def drop_table(name: str) -> None:
    """Drop a table, unless it was dropped before the migration was killed."""
    if not _may_be_there() or sa.inspect(op.get_bind()).has_table(name):
        op.drop_table(name)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column, unless it was added before the migration was killed."""
    if not (_may_be_there() and column.name in {known["name"] for known in sa.inspect(op.get_bind()).get_columns(table)}):
        op.add_column(table, column)


def create_index(name: str, table: str, columns: Sequence[str], where: str | None = None) -> None:
    """Create an index, unless it was created before the migration was killed; over some rows only, where the engine can do that."""
    if not (_may_be_there() and name in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}):
        only = None if where is None else sa.text(where)
        op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def drop_index(name: str, table: str) -> None:
    """Drop an index, unless it was dropped before the migration was killed."""
    if not _may_be_there() or name in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.drop_index(name, table)


def _may_be_there() -> bool:
    """Elsewhere a migration is one transaction: what is there already is a mistake, and must be heard of."""
    return op.get_bind().dialect.name in ("mysql", "mariadb")
