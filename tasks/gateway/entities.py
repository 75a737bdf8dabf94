"""A served table as a worker knows it: built from what was found there, kept while that stays the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from schema.gateway.tables import entity as entities
from tasks.gateway.values import Document, Loosely, Unfit, fitting
from tasks.kernel import Closed, Kernel
from tasks.unit import look

_ROW = sa.select(entities).where(entities.c.id == sa.bindparam("in_id"), entities.c.connection_id == sa.bindparam("of"))
#: Entities that one process keeps.
_MOST = 512
_known: dict[tuple[int, str, str], Entity] = {}


@dataclass(frozen=True, slots=True)
class Entity:
    """A table with what is known of its columns."""

    name: str
    form: str
    table: sa.Table
    columns: Mapping[str, Mapping[str, Any]]
    primary: tuple[str, ...]
    unique: Mapping[str, list[str]]

    def column(self, name: str) -> sa.Column[Any]:
        """Raises Unfit for a column that is not there."""
        if name not in self.columns:
            raise Unfit(f"{self.name} has no column {name}.")
        return self.table.c[name]

    def value(self, name: str, given: Any) -> Any:
        """What the column holds for this JSON value. Raises Unfit."""
        try:
            return fitting(self.columns[name]["Kind"], given)
        except Unfit as error:
            raise Unfit(f"{name}: {error}") from None

    def of_type(self, meadow: str) -> str | None:
        """The column that stands for this, e.g. `Deleted`."""
        return next((name for name, column in self.columns.items() if column["MeadowType"] == meadow), None)

    @property
    def order(self) -> tuple[str, ...]:
        """Columns by which rows have a place of their own; those of a view without a key have none."""
        return self.primary or next((tuple(columns) for columns in self.unique.values()), ())


def entity_of(kernel: Kernel, connection_id: int, id: int, digest: str, dialect: sa.Dialect) -> Entity:
    """The entity in this form; looked up when this process does not know it yet. Raises Closed when it is no longer so."""
    key = (id, digest, dialect.name)
    found = _known.get(key)
    if found is None:
        with look(kernel.engine) as control:
            row = control.execute(_ROW, {"in_id": id, "of": connection_id}).mappings().one_or_none()
        if row is None or row["digest"] != digest:
            raise Closed("The table has changed meanwhile. Repeat the request.", "conflict")
        if len(_known) >= _MOST:
            _known.clear()
        found = _known[key] = built(row, dialect)
    return found


def built(row: Mapping[Any, Any], dialect: sa.Dialect) -> Entity:
    """The entity of a row of `gateway_entity`."""
    columns = {column["Name"]: column for column in row["columns"]}
    primary = tuple(row["keys"]["primary"])
    made = [
        sa.Column(name, _type(column, dialect), primary_key=name in primary, autoincrement=column["IsAutoIncrement"], nullable=column["Nullable"])
        for name, column in columns.items()
    ]
    table = sa.Table(row["table_name"], sa.MetaData(), *made, schema=row["schema_name"] or None)
    return Entity(row["name"], row["form"], table, columns, primary, row["keys"]["unique"])


_TYPES: dict[str, Any] = {
    "integer": sa.BigInteger(),
    "float": sa.Double(),
    "decimal": sa.Numeric(asdecimal=True),
    "boolean": sa.Boolean(),
    "time": sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"),
    "date": sa.Date(),
    "clock": sa.Time(),
    "bytes": sa.LargeBinary(),
    "uuid": sa.Uuid(),
    "duration": sa.Interval(),
}


def _type(column: Mapping[str, Any], dialect: sa.Dialect) -> Any:
    kind, native = column["Kind"], str(column["NativeType"]).upper()
    if kind == "json":
        if dialect.name == "postgresql":
            return postgresql.JSONB() if native.startswith("JSONB") else postgresql.JSON()
        return sa.JSON() if dialect.name == "mysql" and not getattr(dialect, "is_mariadb", False) else Document()
    if dialect.name == "sqlite" and kind not in ("integer", "text", "float", "bytes", "uuid"):
        digits = re.findall(r"\d+", native)
        return Loosely(kind, int(digits[1]) if kind == "decimal" and len(digits) == 2 else None)
    if kind == "uuid" and native.startswith("CHAR"):
        return sa.Uuid(native_uuid=False)
    if kind == "text":
        # An enum, an address, a range: the engine itself knows what to make of a text.
        return sa.String() if native.startswith(("VARCHAR", "TEXT", "CHAR", "STRING", "NVARCHAR")) else sa.types.NullType()
    return _TYPES[kind]
