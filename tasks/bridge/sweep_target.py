"""Delete from the database of a hub's persistence what has been kept there long enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from schema.bridge.commands import SweepTarget
from schema.bridge.descriptor import INSTANCE
from schema.bridge.mark import mark
from schema.bridge.sources import SOURCES, Source
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.bridge.keeping import keeping_of
from tasks.bridge.landing import Landing
from tasks.gateway.opening import engine_for
from tasks.loose import Desk
from tasks.unit import look

#: Items or runs that go with one transaction, with all that belongs to them.
PAGE = 500


def sweep_target(command: SweepTarget, desk: Desk) -> Outcome:
    """Delete what has ended page by page, items with their events and attempts. A dry run counts what it would delete."""
    kernel = desk.kernel
    with look(kernel.engine) as control:
        keeping = keeping_of(control, command.hub)
    landing = Landing(engine_for(kernel, command.connection, "ask" if command.dry else "write", live=False), command.hub)
    if landing.read_mark() is None:
        return Refused("conflict", "This database holds nothing of this hub yet.", {"Success": False})
    told: dict[str, Any] = {"Success": True, "DryRun": command.dry, "LegalHold": keeping.on_hold, "Before": {}}
    counts: dict[str, int] = {}
    for source in SOURCES.values():
        for state, bound in keeping.bounds(source.ending, kernel.now()).items() if source.ending else ():
            before = str(to_wire(bound))
            told["Before"].setdefault(source.scope, {})[state] = before
            for name, count in _gone(landing, source, _over(landing, source, state, before), command.dry):
                counts[name] = counts.get(name, 0) + count
    told |= {"Items": counts.get("UVQueueWorkItem", 0), "Manifests": counts.get("UVManifest", 0)}
    return Done(told if command.dry else told | {"Deleted": counts})


def _over(landing: Landing, source: Source, state: str, bound: str) -> sa.ColumnElement[bool]:
    assert source.ending is not None
    columns = landing.tables[source.scope].c
    ended = columns[source.ending.column]
    return (columns[INSTANCE] == landing.hub) & (columns["Status"] == state) & (ended < bound) & (ended != "")


def _gone(landing: Landing, source: Source, over: sa.ColumnElement[bool], dry: bool) -> Iterator[tuple[str, int]]:
    """What goes, or would go, by table."""
    if dry:
        yield source.scope, _counted(landing, source, over)
        return
    while page := _page(landing, source, over):
        yield from page.items()


def _counted(landing: Landing, source: Source, over: sa.ColumnElement[bool]) -> int:
    with landing.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(landing.tables[source.scope]).where(over)).scalar_one()
        connection.rollback()
    return int(count)


def _page(landing: Landing, source: Source, over: sa.ColumnElement[bool]) -> dict[str, int]:
    """Delete the next rows and what belongs to them; the counts that are told follow."""
    head = landing.tables[source.scope].c[source.key[0]]
    family = [child for child in SOURCES.values() if child.parent == source.name]
    with landing.engine.begin() as connection:
        heads = list(connection.execute(sa.select(head).where(over).limit(PAGE)).scalars())
        if not heads:
            return {}
        gone = {}
        for member in [*family, source]:
            table = landing.tables[member.scope]
            mine = (table.c[INSTANCE] == landing.hub) & table.c[member.key[0]].in_(heads)
            gone[member.scope] = connection.execute(sa.delete(table).where(mine)).rowcount
        # As in the mirror's transactions, the mark comes last.
        kept = connection.execute(sa.select(mark.c.counts).where(mark.c.instance == landing.hub).with_for_update()).scalar_one()
        counts = {name: max(0, count - gone.get(name, 0)) for name, count in orjson.loads(kept).items()}
        connection.execute(sa.update(mark).where(mark.c.instance == landing.hub).values(counts=orjson.dumps(counts).decode()))
    return gone
