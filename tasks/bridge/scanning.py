"""Both sides of a hub's persistence, read row by row and summed up. Memory stays flat: keys are kept of few buckets only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from schema.bridge.descriptor import INSTANCE
from schema.bridge.rules.retention import Keeping
from schema.bridge.sources import SOURCES, Source
from tasks.bridge import reading
from tasks.bridge.landing import Landing
from tasks.bridge.recording import recorded
from tasks.capture import row_key
from tasks.rows import Key

#: Rows that are read at once.
PAGE = 1_000
#: Parts into which the rows of a table fall by their keys: what differs is looked for in those parts alone that differ.
BUCKETS = 256
#: What is not compared: what the database itself gives, and who wrote the row.
ITS_OWN = frozenset({"CreateDate", "UpdateDate", "CreatingUser", "UpdatingUser", "Deleted", INSTANCE})

Record = Mapping[Any, Any]


@dataclass(slots=True)
class Scan:
    """One side of one table. Sums are the same in whatever order rows come."""

    count: int = 0
    sums: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    #: Digests by key, of the buckets that were asked for.
    digests: dict[str, int] = field(default_factory=dict)

    @property
    def checksum(self) -> str:
        return f"{sum(self.sums) % 2**64:016x}"


def scanned(rows: Iterable[tuple[str, Record]], wanted: frozenset[int] = frozenset()) -> Scan:
    """Sum up the rows."""
    scan = Scan()
    for key, record in rows:
        digest = _digest(key, record)
        bucket = _bucket(key)
        scan.count += 1
        scan.sums[bucket] += digest
        if bucket in wanted:
            scan.digests[key] = digest
    return scan


def here(control: sa.Connection, source: Source, hub: str, keeping: Keeping, now: datetime) -> Iterator[tuple[str, Record]]:
    """Our rows as they should be there; not those that have been kept there long enough."""
    after = ""
    while page := reading.page_of(control, source, hub, after, PAGE):
        over = _over(control, source, page, keeping, now)
        for key, record in recorded(control, source, [(key, row) for key, row in page if key[0] not in over]):
            yield row_key(key), record
        after = row_key(page[-1][0])


def _over(control: sa.Connection, source: Source, page: list[tuple[Key, Record]], keeping: Keeping, now: datetime) -> set[Any]:
    """First parts of the keys of what has been kept long enough: a child goes with its parent."""
    rows = dict(page)
    if source.parent is not None:
        source = SOURCES[source.parent]
        rows = reading.rows(control, source, [(head,) for head in dict.fromkeys(key[0] for key, _ in page)]) if keeping.bounded else {}
    assert source.ending is not None
    return {key[0] for key, row in rows.items() if keeping.is_over(row, source.ending, now)}


def there(landing: Landing, source: Source) -> Iterator[tuple[str, Record]]:
    """The hub's rows over there."""
    table = landing.tables[source.scope]
    names = [column for column in table.c if column.name not in ITS_OWN and not column.primary_key]
    asked = sa.select(*names).where(table.c[INSTANCE] == landing.hub, table.c["Deleted"] == 0)
    with landing.engine.connect() as connection:
        for row in connection.execution_options(yield_per=PAGE).execute(asked).mappings():
            yield "/".join(str(row[name]) for name in source.key), row
        connection.rollback()


def _bucket(key: str) -> int:
    return blake2b(key.encode(), digest_size=1).digest()[0]


def _digest(key: str, record: Record) -> int:
    parts = (f"{name}={_plain(record[name])}" for name in sorted(record) if name not in ITS_OWN)
    return int.from_bytes(blake2b("\0".join([key, *parts]).encode(), digest_size=8).digest(), "big")


def _plain(value: Any) -> str:
    """A value as it reads the same on both sides, whatever type the engine keeps it in."""
    if isinstance(value, int):  # true and false are numbers in some engines
        return str(int(value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
