"""What a path below `/1.0/<slug>/` asks for: the same addresses for every table, told apart without knowing any.

A table `Order` is served below `Order` (one row), `Orders` (many) and `OrderSelect` (many, as choices). Whether `Orders` means many of `Order` or
one of a table `Orders` is known to whoever knows the tables, so a path may have several readings, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

#: Rows of a page where nobody says how many, and at most.
USUAL_CAP, MOST_ROWS = 250, 10_000


@dataclass(frozen=True, slots=True)
class Ask:
    """One reading of a path. `what`: row, max, schema, new, validate, undelete, key, root, upsert, upserts, detailed for one row's address;
    rows, lite, distinct, count, select for many rows'.
    """

    entity: str
    what: str
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    filter: str = ""
    by: tuple[str, str] | None = None
    begin: int = 0
    cap: int = field(default=USUAL_CAP)
    paged: bool = False


@lru_cache(maxsize=1_024)
def readings(parts: tuple[str, ...]) -> tuple[Ask, ...]:
    """What these decoded parts of a path may mean. The same path is asked for again and again."""
    if not parts or not parts[0]:
        return ()
    first, rest = parts[0], list(parts[1:])
    found = list(_one(first, rest))
    if first.endswith("s") and len(first) > 1:
        found += _many(first[:-1], rest)
    if first.endswith("Select") and len(first) > 6:
        found += _tail(first[:-6], "select", (), rest)
    return tuple(found)


def _one(entity: str, rest: list[str]) -> Iterator[Ask]:
    match rest:
        case []:
            yield Ask(entity, "root")
        case ["Schema"]:
            yield Ask(entity, "schema")
        case ["Schema", "New"]:
            yield Ask(entity, "new")
        case ["Schema", "Validate"]:
            yield Ask(entity, "validate")
        case ["Max", column]:
            yield Ask(entity, "max", columns=(column,))
        case ["Undelete", key]:
            yield Ask(entity, "undelete", key=(key,))
        case ["Upsert"]:
            yield Ask(entity, "upsert")
        case ["Upserts"]:
            yield Ask(entity, "upserts")
        case ["Upserts", "Detailed"]:
            yield Ask(entity, "detailed")
        case ["ByKey", names, *values] if values:
            yield Ask(entity, "key", columns=tuple(names.split(",")), key=tuple(values))
        case [key]:
            yield Ask(entity, "row", key=(key,))


def _many(entity: str, rest: list[str]) -> Iterator[Ask]:
    match rest:
        case ["Lite", *more]:
            yield from _tail(entity, "lite", (), more)
        case ["LiteExtended", extra, *more]:
            yield from _tail(entity, "lite", tuple(extra.split(",")), more)
        case ["Distinct", columns, *more]:
            yield from _tail(entity, "distinct", tuple(columns.split(",")), more)
        case ["Count", *more]:
            yield from (ask for ask in _tail(entity, "count", (), more) if not ask.paged)
        case _:
            yield from _tail(entity, "rows", (), rest)


def _tail(entity: str, what: str, columns: tuple[str, ...], rest: list[str]) -> Iterator[Ask]:
    """`[/FilteredTo/<filter> | /By/<field>/<value>][/<begin>/<cap>]`"""
    filter, by = "", None
    match rest:
        case ["FilteredTo", text, *more]:
            filter, rest = text, more
        case ["By", name, value, *more]:
            by, rest = (name, value), more
    match rest:
        case []:
            yield Ask(entity, what, columns=columns, filter=filter, by=by)
        case [begin, cap] if begin.isdecimal() and cap.isdecimal() and max(len(begin), len(cap)) < 13:
            yield Ask(entity, what, (), columns, filter, by, int(begin), min(int(cap), MOST_ROWS), True)
