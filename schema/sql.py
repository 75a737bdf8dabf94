"""How values lie in SQL: one MetaData for all domains, UTC time, JSON, and names for every constraint."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: JSON in the engine's own type: JSONB on PostgreSQL, JSON elsewhere.
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

#: Text without a bound worth naming: LONGTEXT on MariaDB, whose TEXT ends at 64 kB.
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def table(name: str, *items: sa.schema.SchemaItem, mirrored: bool = False) -> sa.Table:
    """A table whose text compares byte by byte on every engine: MariaDB's default would take `Shell` and `shell` for the same.

    `mirrored`: while somebody follows the hub's changes, each transaction notes which of its rows it has touched (`tasks/capture.py`).
    """
    info = {"mirrored": mirrored}
    return sa.Table(name, metadata, *items, info=info, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A point in time, aware and in UTC, to the millisecond; naive values are refused."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return postgresql.TIMESTAMP(timezone=True, precision=3)  # type_descriptor would drop the precision
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(sa.DateTime())

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        # SQLite keeps text. Rows are full of times, and the library's own road goes through five calls for each.
        return _text_of if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> Any:
        return _time_in if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


@lru_cache(maxsize=64)  # the rows of one batch are full of its one time
def _text_of(moment: datetime | None) -> str | None:
    """The time as SQLite stores it, `2025-01-02 03:04:05.678000`."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]


def _time_in(stored: str | None) -> datetime | None:
    """Inverse of `_text_of`."""
    return None if stored is None else datetime.fromisoformat(f"{stored}+00:00")


def to_wire(moment: datetime | str | None) -> str | None:
    """A time as clients compare it: `2025-01-02T03:04:05.678Z`. One that was read in that form stays as it is."""
    return moment if moment is None or isinstance(moment, str) else _wire_of(moment)


@lru_cache(maxsize=64)
def _wire_of(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


class WireTime(sa.types.UserDefinedType[str]):
    """A time column that is read as the wire says it; see `wire_time`."""

    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> Any:
        return _wire_in if dialect.name == "sqlite" else _wire_of_driver


def wire_time(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column of UtcDateTime, read as `to_wire` would show it: for who reads many times and counts with none of them."""
    return sa.type_coerce(column, WireTime()).label(column.name)


def _wire_in(stored: str | None) -> str | None:
    """From the text of `_text_of`."""
    return None if stored is None else f"{stored[:10]}T{stored[11:23]}Z"


def _wire_of_driver(moment: datetime | None) -> str | None:
    return to_wire(moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment)
