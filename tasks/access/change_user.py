"""Change what is known of a user."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.access.commands import ChangeUser
from schema.access.tables import user
from schema.access.wire import user_record
from schema.outcome import Done, Outcome, Refused
from tasks.access import users
from tasks.ledger.audit import note
from tasks.unit import Unit


def change_user(command: ChangeUser, unit: Unit) -> Outcome:
    """A new password begins a new generation, in which no earlier session counts. The last admin stays one."""
    row = users.by_id(unit, command.user_id)
    if row is None:
        return users.UNKNOWN
    if row["role"] == "admin" and command.role not in (None, "admin") and not users.can_go_without(unit, row["id"]):
        return Refused("conflict", "Somebody must be admin; make another one first.")
    given = {"role": command.role, "full_name": command.full_name, "email": command.email}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    told = {"Role": command.role} if command.role is not None else {}
    if command.password_hash is not None:
        values |= {"password_hash": command.password_hash, "generation": row["generation"] + 1}
    if values:
        unit.change(sa.update(user).where(user.c.id == row["id"]).values(values))
        note(unit, command.name, row["name"], "changed", {"Changed": _said(values), **told})
    return Done(user_record({**row, **values}))


def _said(values: dict[str, Any]) -> list[str]:
    """What has changed, by name: never what it is now."""
    return sorted("password" if name == "password_hash" else name for name in values.keys() - {"generation"})
