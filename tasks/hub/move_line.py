"""Have those who stand in a line look for their place again."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from schema.hub.commands import MoveLine
from schema.hub.rules import lines
from schema.hub.tables import work_item
from schema.outcome import Done, Outcome
from tasks.hub import places
from tasks.hub.dispatch import dispatch
from tasks.rows import Row
from tasks.unit import Unit

#: Items of one page: a transaction stays short, however long the line is.
PAGE = 1_000


def move_line(command: MoveLine, unit: Unit) -> Outcome:
    """Move those of a page whose place is elsewhere; order the next page while there is one."""
    rows = _page(command, unit)
    places.foresee(unit, [(command.hub, row["affinity_key"], "") for row in rows])
    moved = 0
    for row in rows:
        line = row["line"] if lines.is_keyed(row["line"]) else places.place(unit, row)
        if line != row["line"]:
            unit.amend(work_item, (row["work_item_hash"],), {"line": line})
            moved += 1
    if moved:
        unit.at_end(dispatch, command.hub)
    if len(rows) == PAGE:
        unit.order(MoveLine(hub=command.hub, line=command.line, after=(rows[-1]["rank"], rows[-1]["ticket"])))
    return Done({"Moved": moved})


def _page(command: MoveLine, unit: Unit) -> Sequence[Row]:
    item = work_item.c
    by_key = command.line.startswith("=")
    those = item.affinity_key == command.line[1:] if by_key else item.line == command.line
    where = sa.and_(item.hub == command.hub, item.status == sa.literal_column("'Pending'"), those)
    if command.after is not None:
        rank, ticket = command.after
        where = sa.and_(where, sa.or_(item.rank > rank, sa.and_(item.rank == rank, item.ticket > ticket)))
    return unit.read(sa.select(work_item).where(where).order_by(item.rank, item.ticket).limit(PAGE)).mappings().all()
