"""Delete a row of a foreign database, or bring one back."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import sqlalchemy as sa

from schema.gateway.commands import DeleteRow
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.compiling import alive
from tasks.gateway.entities import Entity
from tasks.gateway.rows import Declined, all_or_nothing, current, keyed, served, tag_of, user_of
from tasks.visit import Visit


def delete_row(command: DeleteRow, visit: Visit) -> Outcome:
    """Where the table has a mark for it the row stays, marked, and can be brought back."""
    try:
        entity = served(command, visit)
        with all_or_nothing(visit):
            return _done(command, entity, visit)
    except Declined as declined:
        return declined.refused


def _done(command: DeleteRow, entity: Entity, visit: Visit) -> Outcome:
    where, mark = keyed(entity, command.key), entity.of_type("Deleted")
    if command.undo and mark is None:
        raise Declined(Refused("unsupported", f"{entity.name} has no mark for deleted rows: what is deleted is gone."))
    before = current(entity, where, visit, hold=True, dead=command.undo)
    if before is None:
        raise Declined(Refused("not_found", "Record not found."))
    if command.expected and command.expected != tag_of(before):
        raise Declined(Refused("stale", "The record was changed by somebody else since it was read.", {"Record": before}))
    if mark is None:
        visit.connection.execute(sa.delete(entity.table).where(where))
    elif command.undo:
        visit.connection.execute(sa.update(entity.table).where(where).values(**_stamps(entity, visit, ("Update",)), **{mark: entity.value(mark, 0)}))
    else:
        values = {**_stamps(entity, visit, ("Update", "Delete")), mark: entity.value(mark, 1)}
        visit.connection.execute(sa.update(entity.table).where(where, alive(entity)).values(**values))
    return Done({"Count": 1})


def _stamps(entity: Entity, visit: Visit, words: tuple[str, ...]) -> dict[str, Any]:
    """Who and when, for those of the columns that the table has."""
    now, values = visit.now.astimezone(UTC).replace(tzinfo=None).isoformat(), {}
    for word in words:
        for kind, value in ((f"{word}Date", now), (f"{word}IDUser", user_of(visit))):
            name = entity.of_type(kind)
            if name is not None:
                values[name] = entity.value(name, value)
    return values
