"""What the verbs that change rows share: stamps, values that fit, rows as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa
import uuid_utils
from sqlalchemy import exc

from schema.gateway.commands import Change
from schema.gateway.rules.models import EMPTY
from schema.outcome import Refused
from tasks.gateway.compiling import alive
from tasks.gateway.drivers.violations import refusal
from tasks.gateway.entities import Entity, entity_of
from tasks.gateway.values import Unfit, record
from tasks.visit import Visit

#: Shortest text that counts as a GUID of the caller's own.
_SHORTEST_GUID = 5
_NO_GUID = "0x0000000000000000"
#: Columns that the caller does not write: who and when, by what is done.
_STAMPS = {"CreateDate", "CreateIDUser", "UpdateDate", "UpdateIDUser", "DeleteDate", "DeleteIDUser"}


class Declined(Exception):
    """The change is refused; whatever it has done so far is taken back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


def served(command: Change, visit: Visit) -> Entity:
    """The table that is to be changed. Raises Closed, or Declined for what cannot be changed."""
    entity = entity_of(visit.kernel, command.connection, command.entity, command.digest, visit.connection.dialect)
    if entity.form == "view":
        raise Declined(Refused("unsupported", f"{entity.name} is a view."))
    return entity


@contextmanager
def all_or_nothing(visit: Visit) -> Iterator[None]:
    """A part of the batch that can be taken back by itself. Raises Declined for what the database does not want."""
    try:
        with visit.connection.begin_nested():
            yield
    except Unfit as error:
        name = str(error).partition(":")[0]
        raise Declined(Refused("invalid", str(error), {"Fields": {name: [str(error)]}})) from error
    except exc.DBAPIError as error:
        told = refusal(error)
        if told is None:
            raise
        raise Declined(told) from error


def user_of(visit: Visit) -> int:
    """The number under which stamps name whoever wants it; 0 for those who have none."""
    command = visit.envelope.command if visit.envelope else None
    return command.user if isinstance(command, Change) else 0


def fresh(entity: Entity, given: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """A new row: what was given, stamps, a GUID where there is none, and nothing where the column may not be empty. Raises Unfit."""
    known(entity, given)
    now, values = visit.now.astimezone(UTC).replace(tzinfo=None), {}
    for name, column in entity.columns.items():
        kind, wanted = column["MeadowType"], given.get(name)
        if column["Generated"] or kind in ("DeleteDate", "DeleteIDUser"):
            continue
        if kind == "AutoIdentity":
            if wanted not in (None, 0, "", "0", "NULL", "DEFAULT"):
                values[name] = entity.value(name, wanted)
        elif kind == "AutoGUID":
            values[name] = wanted if isinstance(wanted, str) and len(wanted) >= _SHORTEST_GUID and wanted != _NO_GUID else str(uuid_utils.uuid7())
        elif kind in ("CreateDate", "UpdateDate"):
            values[name] = entity.value(name, now.isoformat())
        elif kind in ("CreateIDUser", "UpdateIDUser"):
            values[name] = entity.value(name, user_of(visit))
        elif name in given and (wanted is not None or column["Nullable"]):
            values[name] = entity.value(name, wanted)
        elif not column["Nullable"] and ((wanted is None and name in given) or column["DefaultValue"] is None) and column["Kind"] in EMPTY:
            values[name] = entity.value(name, EMPTY[column["Kind"]])
    return values


def changed(entity: Entity, given: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """The changes of a row: what was given, but for keys that count and stamps of its making; the stamp of change is new. Raises Unfit."""
    known(entity, given)
    now, values = visit.now.astimezone(UTC).replace(tzinfo=None), {}
    for name, column in entity.columns.items():
        kind = column["MeadowType"]
        if kind == "UpdateDate":
            values[name] = entity.value(name, now.isoformat())
        elif kind == "UpdateIDUser":
            values[name] = entity.value(name, user_of(visit))
        elif name in given and kind not in _STAMPS and kind != "AutoIdentity" and not column["Generated"]:
            values[name] = entity.value(name, given[name])
    return values


def known(entity: Entity, given: Mapping[str, Any]) -> None:
    """Raises Unfit for a column that is not there."""
    for name in given:
        if name not in entity.columns:
            raise Unfit(f"{name}: {entity.name} has no such column.")


def keyed(entity: Entity, key: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """The row of this key. Raises Unfit."""
    known(entity, key)
    return sa.and_(sa.true(), *(entity.table.c[name] == entity.value(name, value) for name, value in key.items()))


def current(entity: Entity, where: sa.ColumnElement[bool], visit: Visit, *, hold: bool = False, dead: bool = False) -> dict[str, Any] | None:
    """The row as a record, None when there is none. `hold`: nobody else changes it until the batch ends; `dead`: also one marked as deleted."""
    select = sa.select(entity.table).where(where, sa.true() if dead else alive(entity)).limit(2)
    rows = visit.connection.execute(select.with_for_update() if hold else select).mappings().all()
    if len(rows) > 1:
        raise Declined(Refused("conflict", "More than one row has this key."))
    return record(rows[0]) if rows else None


def tag_of(value: Mapping[str, Any]) -> str:
    """The tag under which this record is answered."""
    return sha256(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)).hexdigest()[:32]


def insert(entity: Entity, values: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """Store a new row. Returns it as it is stored."""
    statement: Any = sa.insert(entity.table).values(**values)
    if visit.connection.dialect.insert_returning:
        return record(visit.connection.execute(statement.returning(*entity.table.c)).mappings().one())
    made = visit.connection.execute(statement)
    counted = [name for name in entity.primary if entity.columns[name]["IsAutoIncrement"] and name not in values]
    key = {name: made.lastrowid if name in counted else values[name] for name in entity.primary}
    return current(entity, keyed(entity, key), visit, dead=True) or dict(values) if key else record(values)
