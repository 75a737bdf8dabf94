"""Delete from the database of a hub's persistence what has been kept there long enough."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from schema.bridge.commands import SweepTarget
from schema.bridge.descriptor import INSTANCE
from schema.bridge.mark import mark
from schema.bridge.sources import SOURCES
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.bridge.keeping import keeping_of
from tasks.bridge.landing import Landing
from tasks.gateway.opening import engine_for
from tasks.loose import Desk
from tasks.unit import look

#: Items that go with one transaction, with all that belongs to them.
PAGE = 500


def sweep_target(command: SweepTarget, desk: Desk) -> Outcome:
    """Delete ended items page by page, with their events and attempts. A dry run counts what it would delete."""
    kernel = desk.kernel
    with look(kernel.engine) as control:
        keeping = keeping_of(control, command.hub)
    bounds = {status: str(to_wire(bound)) for status, bound in keeping.bounds(kernel.now()).items()}
    landing = Landing(engine_for(kernel, command.connection, "ask" if command.dry else "write", live=False), command.hub)
    if landing.read_mark() is None:
        return Refused("conflict", "This database holds nothing of this hub yet.", {"Success": False})
    told: dict[str, Any] = {"Success": True, "DryRun": command.dry, "LegalHold": keeping.on_hold, "Before": bounds}
    if command.dry:
        return Done(told | {"Items": sum(_counted(landing, status, bound) for status, bound in bounds.items())})
    deleted: dict[str, int] = {}
    for status, bound in bounds.items():
        while page := _page(landing, status, bound):
            for name, count in page.items():
                deleted[name] = deleted.get(name, 0) + count
    return Done(told | {"Items": deleted.get("UVQueueWorkItem", 0), "Deleted": deleted})


def _over(landing: Landing, status: str, bound: str) -> sa.ColumnElement[bool]:
    items = landing.tables["UVQueueWorkItem"].c
    return (items[INSTANCE] == landing.hub) & (items["Status"] == status) & (items["LastEventAt"] < bound) & (items["LastEventAt"] != "")


def _counted(landing: Landing, status: str, bound: str) -> int:
    items = landing.tables["UVQueueWorkItem"]
    with landing.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(items).where(_over(landing, status, bound))).scalar_one()
        connection.rollback()
    return int(count)


def _page(landing: Landing, status: str, bound: str) -> dict[str, int]:
    """Delete the next items and what belongs to them; the counts that are told follow."""
    items = landing.tables["UVQueueWorkItem"]
    with landing.engine.begin() as connection:
        hashes = list(connection.execute(sa.select(items.c["WorkItemHash"]).where(_over(landing, status, bound)).limit(PAGE)).scalars())
        if not hashes:
            return {}
        gone = {}
        for source in reversed(SOURCES.values()):
            table = landing.tables[source.scope]
            mine = (table.c[INSTANCE] == landing.hub) & table.c[source.key[0]].in_(hashes)
            gone[source.scope] = connection.execute(sa.delete(table).where(mine)).rowcount
        kept = connection.execute(sa.select(mark.c.counts).where(mark.c.instance == landing.hub).with_for_update()).scalar_one()
        counts = {name: max(0, count - gone.get(name, 0)) for name, count in orjson.loads(kept).items()}
        connection.execute(sa.update(mark).where(mark.c.instance == landing.hub).values(counts=orjson.dumps(counts).decode()))
    return gone
