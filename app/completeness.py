"""What this release needs of the database, and what a database lacks of it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import sqlalchemy as sa

import schema
from schema.sql import metadata


@lru_cache(maxsize=1)
def needed() -> dict[str, frozenset[str]]:
    """Table -> columns, of all domains."""
    for module in iter_modules(schema.__path__, "schema."):
        if module.ispkg and find_spec(f"{module.name}.tables"):
            import_module(f"{module.name}.tables")
    return {name: frozenset(table.columns.keys()) for name, table in sorted(metadata.tables.items())}


def everything() -> list[str]:
    """What a database lacks that does not exist."""
    return list(needed())


def missing_in(connection: sa.Connection) -> list[str]:
    """The tables that the database lacks, then the columns, as `table.column`."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    lacking = [name for name in needed() if name not in tables]
    present = [name for name in needed() if name in tables]
    if present:
        columns = {name: {column["name"] for column in found} for (_, name), found in inspector.get_multi_columns(filter_names=present).items()}
        lacking += [f"{name}.{column}" for name in present for column in sorted(needed()[name] - columns.get(name, set()))]
    return lacking
