"""Change rows of a foreign database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from schema.gateway.commands import UpdateRows
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.compiling import alive
from tasks.gateway.entities import Entity
from tasks.gateway.rows import Declined, all_or_nothing, changed, current, keyed, served, tag_of
from tasks.visit import Visit


def update_rows(command: UpdateRows, visit: Visit) -> Outcome:
    """All or none. The answer is the rows as they are now."""
    try:
        entity = served(command, visit)
        with all_or_nothing(visit):
            done = [update(entity, key, row, visit, command.expected) for key, row in zip(command.keys, command.rows, strict=True)]
    except Declined as declined:
        return declined.refused
    return Done({"Rows": done} if command.many else done[0])


def update(entity: Entity, key: Mapping[str, Any], given: Mapping[str, Any], visit: Visit, expected: str = "") -> dict[str, Any]:
    """Change one row. Raises Declined when it is not there, is marked as deleted, or is not as expected."""
    where = keyed(entity, key)
    before = current(entity, where, visit, hold=True)
    if before is None:
        raise Declined(Refused("not_found", "Record not Found"))
    if expected and expected != tag_of(before):
        raise Declined(Refused("stale", "The record was changed by somebody else since it was read.", {"Record": before}))
    values = changed(entity, {name: value for name, value in given.items() if name not in key}, visit)
    if values:
        visit.connection.execute(sa.update(entity.table).where(where, alive(entity)).values(**values))
    return current(entity, where, visit, dead=True) or before
