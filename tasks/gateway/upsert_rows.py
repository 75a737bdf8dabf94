"""Store rows of a foreign database, or change those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from schema.gateway.commands import UpsertRows
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.drivers.violations import is_duplicate
from tasks.gateway.entities import Entity
from tasks.gateway.rows import Declined, all_or_nothing, current, fresh, insert, keyed, known, served
from tasks.gateway.update_rows import update
from tasks.visit import Visit


def upsert_rows(command: UpsertRows, visit: Visit) -> Outcome:
    """One, or many: all or none, or each for itself with an account of those that failed."""
    try:
        entity = served(command, visit)
        if command.form == "detailed":
            return _detailed(command, entity, visit)
        with all_or_nothing(visit):
            done = [upsert(entity, row, command.key, visit) for row in command.rows]
    except Declined as declined:
        return declined.refused
    return Done(done[0] if command.form == "one" else {"Rows": done})


def _detailed(command: UpsertRows, entity: Entity, visit: Visit) -> Outcome:
    done, failed = [], []
    for row in command.rows:
        try:
            with all_or_nothing(visit):
                done.append(upsert(entity, row, command.key, visit))
        except Declined as declined:
            failed.append({"Record": row, "Operation": "Upsert", "Error": declined.refused.text, "Code": declined.refused.code})
    counts = {"Total": len(command.rows), "Succeeded": len(done), "Errored": len(failed)}
    return Done({"Counts": counts, "UpsertedRecords": done, "ErrorRecords": failed})


def upsert(entity: Entity, row: Mapping[str, Any], key: list[str], visit: Visit) -> dict[str, Any]:
    """Change the row that has this one's key; store a new one when there is none. Raises Declined, Unfit."""
    known(entity, row)
    for _ in range(2):
        match = _match(entity, row, key)
        if match and (current(entity, keyed(entity, match), visit, hold=True)) is not None:
            return update(entity, match, row, visit)
        try:
            with visit.connection.begin_nested():
                return insert(entity, fresh(entity, row, visit), visit)
        except exc.IntegrityError as error:
            # It is there to be changed: somebody beside us has stored it in this moment, or it is marked as deleted, and lives again.
            if not match or not is_duplicate(error):
                raise
            _revive(entity, match, visit)
    raise Declined(Refused("duplicate", "Another row has this key already, and it changes all the time."))


def _revive(entity: Entity, match: Mapping[str, Any], visit: Visit) -> None:
    """Take the mark of deletion from a row that stands in the way of its own return."""
    mark = entity.of_type("Deleted")
    if mark is not None and current(entity, keyed(entity, match), visit, hold=True) is None:
        ended = {name: None for name in (entity.of_type("DeleteDate"),) if name is not None and entity.columns[name]["Nullable"]}
        visit.connection.execute(sa.update(entity.table).where(keyed(entity, match)).values({mark: entity.value(mark, 0), **ended}))


def _match(entity: Entity, row: Mapping[str, Any], key: list[str]) -> dict[str, Any]:
    """The key that the row brings: the one that was asked for, else its number and GUID, else the first key, primary or unique, that it has whole."""
    if key:
        if missing := [name for name in key if row.get(name) in (None, "")]:
            raise Declined(Refused("invalid", f"{missing[0]}: the key is not whole.", {"Fields": {missing[0]: ["Part of the key."]}}))
        return {name: row[name] for name in key}
    own = {name: row.get(name) for name in (entity.of_type("AutoIdentity"), entity.of_type("AutoGUID")) if name is not None}
    given = {name: value for name, value in own.items() if value not in (None, 0, "", "0")}
    if given:
        return given
    for names in (entity.primary, *entity.unique.values()):
        if names and all(row.get(name) not in (None, "") for name in names) and not set(names) & set(own):
            return {name: row[name] for name in names}
    return {}
