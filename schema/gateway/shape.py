"""A descriptor as tables of SQLAlchemy, with the type that each engine has for what is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, postgresql

from schema.gateway.rules.descriptor import Column, Descriptor, Index, Table
from schema.sql import Json

#: Texts without bound: MySQL's TEXT ends at 64 kB, SQL Server's is deprecated.
Unbound = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb").with_variant(mssql.NVARCHAR(), "mssql")
#: A point in time to the millisecond, in UTC, without a zone of its own.
Moment = (
    sa.DateTime()
    .with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
    .with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
    .with_variant(mssql.DATETIME2(precision=3), "mssql")  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
)
#: A whole number as JSON has it. SQLite's INTEGER is as wide, and it numbers rows only by a column of that very type.
Whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Document = Json.with_variant(mssql.NVARCHAR(), "mssql")

#: Characters of an unbound text that an index of MySQL covers.
PREFIX = 191


def _string(column: Column) -> Any:
    return sa.String(column.size if isinstance(column.size, int) else None).with_variant(mssql.NVARCHAR(column.size), "mssql")  # type: ignore[arg-type]  # a length here


def _decimal(column: Column) -> Any:
    precision, scale = column.size if isinstance(column.size, tuple) else (10, 2)
    return sa.Numeric(precision, scale)


#: Word -> (type, what an empty one holds; None: it may be empty)
_KINDS: dict[str, tuple[Callable[[Column], Any], str | None]] = {
    "identity": (lambda _: Whole, None),
    "guid": (_string, None),
    "string": (_string, "''"),
    "text": (lambda _: Unbound, None),
    "integer": (lambda _: Whole, "0"),
    "float": (lambda _: sa.Double(), None),
    "decimal": (_decimal, None),
    "boolean": (lambda _: sa.Boolean(), "false"),
    "flag": (lambda _: sa.SmallInteger(), "0"),
    "time": (lambda _: Moment, None),
    "reference": (lambda _: Whole, "0"),
    "json": (lambda _: Document, None),
}


def metadata_of(descriptor: Descriptor, dialect: str) -> sa.MetaData:
    """All tables of the descriptor, for this dialect."""
    metadata = sa.MetaData()
    for table in descriptor.tables:
        _add(metadata, table, dialect)
    return metadata


def _add(metadata: sa.MetaData, table: Table, dialect: str) -> None:
    made = sa.Table(
        table.name,
        metadata,
        *(_column(column, dialect) for column in table.columns),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )
    unbound = {column.name for column in table.columns if column.type == "text"}
    for index in table.indexes:
        _index(made, index, unbound, {column.name for column in table.columns if column.type == "guid"})


def _column(column: Column, dialect: str) -> sa.Column[Any]:
    kind, empty = _KINDS[column.type]
    if column.type == "identity":
        return sa.Column(column.name, kind(column), primary_key=True, autoincrement=True)
    if column.type == "boolean" and dialect in ("sqlite", "mssql"):
        empty = "0"
    nullable = empty is None if column.nullable is None or empty is None else column.nullable
    return sa.Column(column.name, kind(column), nullable=nullable, server_default=None if empty is None else sa.text(empty))


def _index(table: sa.Table, index: Index, unbound: set[str], guids: set[str]) -> None:
    columns = [table.c[name] for name in index.columns]
    lengths = {name: PREFIX for name in index.columns if name in unbound}
    # SQL Server would let a unique index hold one empty value; the others hold any number of them.
    only = sa.and_(*(column.isnot(None) for column in columns if column.nullable)) if index.unique and guids & set(index.columns) else None
    sa.Index(index.name, *columns, unique=index.unique, mysql_length=lengths or None, mssql_where=only)
