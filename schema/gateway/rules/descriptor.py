"""A schema descriptor: the tables that somebody wants to be there, in the clients' words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

#: Longest name that every engine keeps whole.
LONGEST_NAME = 63
#: Longest text that is a VARCHAR everywhere; a longer one is a text without bound.
LONGEST_STRING = 4_000

#: Type in a descriptor -> word of ours.
TYPES = {
    "AutoIdentity": "identity",
    "AutoGUID": "guid",
    "String": "string",
    "Text": "text",
    "Integer": "integer",
    "Float": "float",
    "Decimal": "decimal",
    "Boolean": "boolean",
    "Deleted": "flag",
    "CreateDate": "time",
    "UpdateDate": "time",
    "DeleteDate": "time",
    "DateTime": "time",
    "CreateIDUser": "integer",
    "UpdateIDUser": "integer",
    "DeleteIDUser": "integer",
    "ForeignKey": "reference",
    "JSON": "json",
}

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `size` is a length for texts, (precision, scale) for decimals. `nullable` None: what the type has by default."""

    name: str
    type: str
    size: int | tuple[int, int] | None = None
    nullable: bool | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index by name."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns in order."""

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What is wanted, and a digest that is the same for the same wish. `notes` tells what was passed over."""

    name: str
    version: str
    tables: tuple[Table, ...]
    digest: str
    notes: tuple[str, ...] = ()


class BadDescriptor(ValueError):
    """The descriptor cannot be understood."""


def descriptor_of(given: Mapping[str, Any], name: str = "") -> Descriptor:
    """The descriptor that a client has sent. Entries without `Scope` or `Schema` are commentary. Raises BadDescriptor."""
    listed = given.get("Tables")
    if not isinstance(listed, list):
        raise BadDescriptor("SchemaJSON.Tables must be an array.")
    notes: list[str] = []
    tables = tuple(table for entry in listed if (table := _table(entry, notes)) is not None)
    names = [table.name.lower() for table in tables]
    if len(set(names)) < len(names):
        raise BadDescriptor("Two tables have one Scope.")
    words = [_words(table) for table in tables]
    called = name or str(given.get("SchemaName") or "unnamed")
    digest = sha256(dumps([called, words], sort_keys=True).encode()).hexdigest()
    return Descriptor(called[:128], str(given.get("Version") or "")[:64], tables, digest, tuple(notes))


def _words(table: Table) -> list[Any]:
    columns = [[column.name, column.type, column.size, column.nullable] for column in table.columns]
    return [table.name, columns, [[index.name, list(index.columns), index.unique] for index in table.indexes]]


def _table(entry: Any, notes: list[str]) -> Table | None:
    if not isinstance(entry, Mapping) or not entry.get("Scope") or not isinstance(entry.get("Schema"), list):
        return None
    name = _named(entry["Scope"], "Scope")
    columns = tuple(_column(name, column) for column in entry["Schema"] if isinstance(column, Mapping) and column.get("Column"))
    if not columns:
        raise BadDescriptor(f"{name} has no column.")
    lowered = [column.name.lower() for column in columns]
    if len(set(lowered)) < len(lowered):
        raise BadDescriptor(f"{name} has two columns of one name.")
    if sum(column.type == "identity" for column in columns) > 1:
        raise BadDescriptor(f"{name} has two columns of type AutoIdentity.")
    if entry.get("ForeignKeys"):
        notes.append(f"{name}: foreign keys are not made; the hub's rows refer to each other by natural keys.")
    return Table(name, columns, tuple(_indexes(name, entry, columns)))


def _column(table: str, entry: Mapping[str, Any]) -> Column:
    name = _named(entry["Column"], f"a column of {table}")
    type = TYPES.get(str(entry.get("Type")), "text")
    nullable = entry.get("Nullable")
    return _sized(Column(name, type, nullable=nullable if isinstance(nullable, bool) else None), entry.get("Size"), f"{table}.{name}")


def _sized(column: Column, given: Any, where: str) -> Column:
    """The column with its size, as far as its type has one; a text without one, or with a very long one, has no bound."""
    numbers = [int(part) for part in re.findall(r"\d+", str(given))] if given not in (None, "", "Default", "int") else []
    size: int | tuple[int, int] | None = None
    type = column.type
    if type == "string":
        size = numbers[0] if numbers else None
        type = "string" if size and size <= LONGEST_STRING else "text"
        size = size if type == "string" else None
    elif type == "guid":
        size = numbers[0] if numbers else 36
        if not 1 <= size <= 255:
            raise BadDescriptor(f"{where}: a GUID has a Size of 1 to 255.")
    elif type == "decimal":
        precision, scale = ([*numbers, 0, 0])[:2] if numbers else (10, 2)
        if not (1 <= precision <= 38 and 0 <= scale <= precision):
            raise BadDescriptor(f"{where}: a Decimal has a Size like 10,2.")
        size = (precision, scale)
    return Column(column.name, type, size, column.nullable)


def _indexes(table: str, entry: Mapping[str, Any], columns: tuple[Column, ...]) -> Iterator[Index]:
    """Those that types and marks of columns ask for, then the explicit ones; the first of a name counts."""
    seen: set[str] = set()
    for index in (*_implied(table, entry), *_explicit(table, entry, {column.name for column in columns})):
        if index.name.lower() not in seen:
            seen.add(index.name.lower())
            yield index


def _implied(table: str, entry: Mapping[str, Any]) -> Iterator[Index]:
    for column in entry["Schema"]:
        if not isinstance(column, Mapping) or not column.get("Column"):
            continue
        name, type, mark = str(column["Column"]), column.get("Type"), column.get("Indexed")
        if type == "AutoGUID":
            yield Index(_short(f"AK_M_{table}_{name}"), (name,), True)
        elif type == "ForeignKey":
            yield Index(_short(f"IX_M_{table}_{name}"), (name,))
        elif mark:
            unique = mark == "unique"
            given = str(column.get("IndexName") or f"{'AK' if unique else 'IX'}_M_T_{table}_C_{name}")
            yield Index(_short(given), (name,), unique)


def _explicit(table: str, entry: Mapping[str, Any], known: set[str]) -> Iterator[Index]:
    for place, index in enumerate(entry.get("Indexes") or entry.get("Indices") or ()):
        if not isinstance(index, Mapping) or not isinstance(index.get("Columns"), list) or not index["Columns"]:
            raise BadDescriptor(f"{table}: an index needs Columns.")
        columns = tuple(str(column) for column in index["Columns"])
        if strange := [column for column in columns if column not in known]:
            raise BadDescriptor(f"{table}: an index names the column {strange[0]}, which is not there.")
        yield Index(_short(_named(index.get("Name") or f"IX_{table}_{place}", "an index")), columns, index.get("Unique") in (True, 1))


def _named(name: Any, what: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadDescriptor(f"{name!r} cannot be the name of {what}: letters, digits and underscores, at most {LONGEST_NAME}.")
    return name


def _short(name: str) -> str:
    """A name that no engine cuts: what is too long ends in a digest of the whole."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}_{sha256(name.encode()).hexdigest()[:8]}"


def is_older(version: str, than: str) -> bool:
    """Whether one version comes before another. Only numbers with dots are compared; anything else is never older.

    >>> is_older("1.2", "1.10"), is_older("1.10", "1.2"), is_older("spring", "2")
    (True, False, False)
    """
    numbers = [[int(part) for part in text.split(".")] if re.fullmatch(r"\d+(\.\d+)*", text) else None for text in (version, than)]
    return numbers[0] is not None and numbers[1] is not None and numbers[0] < numbers[1]
