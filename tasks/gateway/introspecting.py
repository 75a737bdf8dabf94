"""What is there in a foreign database: tables and views of all its schemas, their columns and keys."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import Inspector, ObjectKind

from schema.gateway.rules.models import meadow_type

#: Schemas that belong to the engine itself.
_SYSTEM = {"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys", "guest", "INFORMATION_SCHEMA"}
#: Tables of ours, which are nobody's records.
OURS = {"ultravisor_lane", "ultravisor_schema"}


def entities(connection: sa.Connection, only: str | None = None) -> list[dict[str, Any]]:
    """Each table and view as a row for `gateway_entity`; `only` the one of that name."""
    inspector = sa.inspect(connection)
    found = []
    for schema in _schemas(inspector, connection.dialect.name):
        found += list(_in_schema(connection, inspector, schema, only))
    return sorted(found, key=lambda entity: str(entity["name"]))


def _schemas(inspector: Inspector, dialect: str) -> list[str | None]:
    """The usual one, as None, then the others that are not the engine's own. MySQL's are databases: others are other connections."""
    if dialect in ("sqlite", "mysql", "mariadb"):
        return [None]
    usual = inspector.default_schema_name
    others = [name for name in inspector.get_schema_names() if name != usual and name not in _SYSTEM and not name.startswith(("pg_", "db_"))]
    return [None, *others]


def _in_schema(connection: sa.Connection, inspector: Inspector, schema: str | None, only: str | None) -> Iterator[dict[str, Any]]:
    names = None
    if only is not None:
        table = only if schema is None else only.removeprefix(f"{schema}.")
        if schema is not None and table == only:
            return
        names = [table]
    asked: dict[str, Any] = {"schema": schema, "filter_names": names, "kind": ObjectKind.TABLE | ObjectKind.ANY_VIEW}
    columns = inspector.get_multi_columns(**asked)
    keys = inspector.get_multi_pk_constraint(**asked)
    uniques = inspector.get_multi_unique_constraints(**asked)
    indexes = inspector.get_multi_indexes(**asked)
    views = {*inspector.get_view_names(schema), *_materialized(inspector, schema)}
    estimates = _estimates(connection, schema)
    documents = _documents(connection, schema)
    for place, described in columns.items():
        table = place[1]
        if table in OURS or table.startswith("sqlite_") or not described:
            continue
        primary = _primary(keys.get(place))
        natural = {str(key["name"]): list(key["column_names"]) for key in uniques.get(place) or ()}
        natural |= {
            str(index["name"]): [str(name) for name in index["column_names"]]
            for index in indexes.get(place) or ()
            if index["unique"] and all(index["column_names"]) and not index.get("dialect_options", {}).get("postgresql_where")
        }
        told = [_column(table, column, primary, (table, column["name"]) in documents) for column in described]
        yield {
            "name": table if schema is None else f"{schema}.{table}",
            "schema_name": schema or "",
            "table_name": table,
            "form": "view" if table in views else "table",
            "columns": told,
            "keys": {"primary": primary, "unique": dict(sorted(natural.items()))},
            "digest": sha256(orjson.dumps([told, primary, sorted(natural.items())])).hexdigest()[:32],
            "row_estimate": max(estimates.get(table, 0), 0),
        }


def _primary(key: Any) -> list[str]:
    return list((key or {}).get("constrained_columns") or [])


def _materialized(inspector: Inspector, schema: str | None) -> list[str]:
    return inspector.get_materialized_view_names(schema) if inspector.dialect.name == "postgresql" else []


def _column(table: str, column: ReflectedColumn, primary: list[str], document: bool) -> dict[str, Any]:
    name, kind = column["name"], "json" if document else kind_of(column["type"])
    numbered = name in primary and _counts(column, primary, kind)
    told = {
        "Name": name,
        "NativeType": str(column["type"]),
        "MaxLength": getattr(column["type"], "length", None),
        "Nullable": bool(column["nullable"]),
        "IsPrimaryKey": name in primary,
        "IsAutoIncrement": numbered,
        "DefaultValue": column.get("default"),
        "Kind": kind,
        "Generated": bool(column.get("computed")),
    }
    return {**told, "MeadowType": meadow_type(table, told)}


def _counts(column: ReflectedColumn, primary: list[str], kind: str) -> bool:
    if kind != "integer" or len(primary) > 1:
        return False
    given: Any = column
    if given.get("identity") or given.get("autoincrement") is True or "nextval(" in str(given.get("default") or ""):
        return True
    return str(given["type"]).upper() == "INTEGER" and given.get("autoincrement", "auto") == "auto" and not given.get("default")


def kind_of(type: Any) -> str:
    """What a type holds, whatever the engine calls it."""
    kinds: tuple[tuple[Any, str], ...] = (
        (sa.Boolean, "boolean"),
        (mysql.BIT, "bytes"),
        (sa.Integer, "integer"),
        (sa.Float, "float"),
        (sa.Numeric, "decimal"),
        (sa.JSON, "json"),
        (sa.Uuid, "uuid"),
        (sa.DateTime, "time"),
        (sa.Date, "date"),
        (sa.Time, "clock"),
        (sa.Interval, "duration"),
        (sa.LargeBinary, "bytes"),
        (sa.types._Binary, "bytes"),
    )
    if isinstance(type, mysql.TINYINT) and type.display_width == 1:
        return "boolean"
    return next((kind for found, kind in kinds if isinstance(type, found)), "text")


_POSTGRESQL_ESTIMATES = """
SELECT relname, reltuples::bigint FROM pg_class
WHERE relnamespace = to_regnamespace(COALESCE(:s, current_schema())) AND relkind IN ('r', 'p')
"""
_MARIADB_DOCUMENTS = """
SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE() AND CHECK_CLAUSE LIKE 'json_valid(%'
"""


def _estimates(connection: sa.Connection, schema: str | None) -> dict[str, int]:
    """About how many rows there are, from the engine's own statistics; nothing where it keeps none."""
    name = connection.dialect.name
    if name == "postgresql":
        rows = connection.execute(sa.text(_POSTGRESQL_ESTIMATES), {"s": schema})
        return {str(table): int(estimate) for table, estimate in rows}
    if name in ("mysql", "mariadb"):
        text = "SELECT TABLE_NAME, COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        return {str(table): int(rows) for table, rows in connection.execute(sa.text(text))}
    return {}


def _documents(connection: sa.Connection, schema: str | None) -> set[tuple[str, str]]:
    """(table, column) of the texts that MariaDB holds to be JSON: it has no type for them, only a check."""
    if not getattr(connection.dialect, "is_mariadb", False):
        return set()
    rows = connection.execute(sa.text(_MARIADB_DOCUMENTS))
    return {(str(table), str(clause).split("`")[1]) for table, clause in rows if "`" in str(clause)}
