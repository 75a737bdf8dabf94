"""The other side: rows and the mark that belongs to them, in one transaction of the database that the operator has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import exc

from schema.among import among
from schema.bridge.descriptor import DESCRIPTOR, INSTANCE
from schema.bridge.mark import mark
from schema.bridge.mark import metadata as marks
from schema.bridge.sources import SOURCES, Source
from schema.gateway.rules.descriptor import Descriptor, descriptor_of
from schema.gateway.shape import metadata_of
from tasks.crash import crash_point
from tasks.gateway.ensuring import ensured
from tasks.rows import Key
from tasks.upsert import Form, upsert

#: Columns that a row keeps from its first day.
FIRST = ("CreateDate", "CreatingUser")
#: Keys that are looked for with one statement.
LOOKED = 500


class LostMark(Exception):
    """Somebody else has moved the mark: what was about to be stored is old."""


@lru_cache(maxsize=1)
def shape() -> Descriptor:
    """The tables that are wanted there."""
    return descriptor_of(DESCRIPTOR)


@lru_cache(maxsize=8)
def tables(dialect: str) -> Mapping[str, sa.Table]:
    """The tables there, by name, with the types that the engine has for them."""
    return metadata_of(shape(), dialect).tables


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a hub's changes have come here. `copying` is (table, row key) while what was there before is still being copied."""

    feed: str = ""
    position: int = -1
    copying: tuple[str, str] | None = None
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """What one transaction brings: records by table, keys of rows that are gone, and where it ends."""

    records: dict[str, list[dict[str, Any]]]
    gone: dict[str, list[Key]]
    position: int
    copying: tuple[str, str] | None
    #: When the newest of the changes was made; None for what was there before.
    at: datetime | None = None


class Landing:
    """One hub's part of the database."""

    def __init__(self, engine: sa.Engine, hub: str) -> None:
        self.engine, self.hub = engine, hub
        self.tables = tables(engine.dialect.name)

    def prepare(self, build: sa.Engine, actor: str) -> None:
        """Make what is missing. A second time it changes nothing."""
        ensured(build, shape(), actor)
        with suppress(exc.OperationalError, exc.ProgrammingError, exc.IntegrityError):  # somebody else has made it in the same moment
            marks.create_all(build)

    def read_mark(self) -> Mark | None:
        """Where the hub stands here, None when it was never here."""
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(mark).where(mark.c.instance == self.hub)).one_or_none()
            connection.rollback()
        if row is None:
            return None
        return Mark(row.feed, row.position, tuple(orjson.loads(row.copying)) if row.copying else None, orjson.loads(row.counts))

    def neighbours(self) -> list[str]:
        """Other hubs whose rows are kept in this database."""
        with self.engine.connect() as connection:
            found = list(connection.execute(sa.select(mark.c.instance).where(mark.c.instance != self.hub).order_by(mark.c.instance)).scalars())
            connection.rollback()
        return found

    def enter(self, feed: str, now: datetime) -> None:
        """Give the hub a mark, if it has none: at the beginning of everything."""
        row = {"instance": self.hub, "feed": feed, "position": -1, "copying": "", "counts": "{}", "moved_at": now}
        with suppress(exc.IntegrityError), self.engine.begin() as connection:
            connection.execute(sa.insert(mark), row)

    def store(self, before: Mark, feed: str, load: Load, now: datetime) -> Mark:
        """Store a load and move the mark, both or neither. Returns the mark after it. Raises LostMark."""
        with self.engine.begin() as connection:
            new: dict[str, int] = {}
            for name, source in SOURCES.items():
                records = load.records.get(name, [])
                if name in load.records:
                    new[source.scope] = self._put(connection, source, records, now) if records else 0
                self._bury(connection, source, load.gone.get(name, []), now)
            crash_point("changes_brought")
            return self._move(connection, before, Mark(feed, load.position, load.copying, new), now)

    def _put(self, connection: sa.Connection, source: Source, records: Sequence[Mapping[str, Any]], now: datetime) -> int:
        """Insert or update the rows. Returns how many there were not."""
        form, same = self.form(source, tuple(records[0]), now)
        if connection.dialect.name == "postgresql":
            return upsert(connection, form, records, same) or 0
        known = self._known(connection, source, records)
        upsert(connection, form, records, same)
        return len(records) - known

    def form(self, source: Source, names: tuple[str, ...], now: datetime) -> tuple[Form, dict[str, Any]]:
        """How records with these columns are stored, and what is the same in all of them."""
        table, keys = self.tables[source.scope], (INSTANCE, *source.unique)
        stamp = now.astimezone(UTC).replace(tzinfo=None)
        same = {INSTANCE: self.hub} | {name: stamp for name in ("CreateDate", "UpdateDate") if name in table.c}
        whole = (*same, *names)
        return Form(table, whole, keys, tuple(name for name in whole if name not in (*keys, *FIRST))), same

    def _known(self, connection: sa.Connection, source: Source, records: Sequence[Mapping[str, Any]]) -> int:
        """How many of these rows are here already. PostgreSQL tells it with the upsert; this it would plan for a table of which it knows nothing."""
        table, count = self.tables[source.scope], 0
        head, *tail = (table.c[name] for name in source.unique)
        here = sa.select(*([head, *tail] if tail else [sa.func.count()])).where(table.c[INSTANCE] == self.hub, among(head, "heads"))
        wanted = {tuple(row[name] for name in source.unique) for row in records} if tail else set()
        for heads in _parts(list({row[head.name] for row in records})):
            found = connection.execute(here, {"heads": heads})
            count += sum(tuple(row) in wanted for row in found) if tail else found.scalar_one()
        return count

    def _bury(self, connection: sa.Connection, source: Source, keys: Sequence[Key], now: datetime) -> None:
        """Mark rows whose originals are gone as deleted; what they hold stays."""
        if not keys:
            return
        table = self.tables[source.scope]
        mine = [table.c[name] == sa.bindparam(f"key_{name}") for name in source.key]
        values = {"Deleted": 1, "UpdateDate": now.astimezone(UTC).replace(tzinfo=None)}
        values = {name: value for name, value in values.items() if name in table.c}
        given = [{f"key_{name}": part for name, part in zip(source.key, key, strict=True)} for key in keys]
        connection.execute(sa.update(table).where(table.c[INSTANCE] == self.hub, *mine).values(**values), given)

    def _move(self, connection: sa.Connection, before: Mark, after: Mark, now: datetime) -> Mark:
        """Move the mark, whose counts grow by those of `after`: others take rows away meanwhile. Returns it as it then is."""
        copying, stood = (orjson.dumps(one.copying).decode() if one.copying else "" for one in (after, before))
        mine = (mark.c.instance == self.hub) & (mark.c.feed == before.feed) & (mark.c.position == before.position) & (mark.c.copying == stood)
        kept = connection.execute(sa.select(mark.c.counts).where(mine).with_for_update()).scalar()
        if kept is not None:
            counts: dict[str, int] = orjson.loads(kept)
            counts |= {name: counts.get(name, 0) + count for name, count in after.counts.items()}
            values = {"feed": after.feed, "position": after.position, "copying": copying, "counts": orjson.dumps(counts).decode(), "moved_at": now}
            if connection.execute(sa.update(mark).where(mine).values(**values)).rowcount == 1:
                return replace(after, counts=counts)
        raise LostMark(f"the mark of {self.hub} has been moved by somebody else")

    def restarted(self, before: Mark, feed: str, until: int, now: datetime) -> Mark:
        """Begin to copy everything anew: changes up to `until` come with the rows themselves."""
        return self._begun_at(before, Mark(feed, until, (next(iter(SOURCES)), "")), now)

    def extended(self, before: Mark, now: datetime) -> Mark:
        """Begin to copy tables that this database has never been given, or that somebody has dropped and that were made again, from the first
        of them on. Without such a one the mark stays.
        """
        if before.copying is not None or before.position < 0:
            return before
        emptied = {source.scope: -before.counts[source.scope] for source in SOURCES.values() if self._is_emptied(source, before)}
        wanted = [name for name, source in SOURCES.items() if source.scope not in before.counts or source.scope in emptied]
        return self._begun_at(before, replace(before, copying=(wanted[0], ""), counts=emptied), now) if wanted else before

    def _is_emptied(self, source: Source, before: Mark) -> bool:
        """Whether rows were brought and none is here. One that was deleted by hand among others is no such thing: it is reported, and left alone."""
        table = self.tables[source.scope]
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(sa.literal(1)).select_from(table).where(table.c[INSTANCE] == self.hub).limit(1)).scalar()
            connection.rollback()
        return row is None and before.counts.get(source.scope, 0) > 0

    def _begun_at(self, before: Mark, after: Mark, now: datetime) -> Mark:
        with self.engine.begin() as connection:
            return self._move(connection, before, after, now)


def _parts(keys: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(keys), LOOKED):
        yield keys[start : start + LOOKED]
