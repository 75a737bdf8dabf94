"""Let a user log in no more."""

from __future__ import annotations

import sqlalchemy as sa

from schema.access.commands import RemoveUser
from schema.access.tables import token, user
from schema.base import Actor
from schema.outcome import Done, Outcome, Refused
from tasks.access import users
from tasks.ledger.audit import note
from tasks.unit import Unit


def remove_user(command: RemoveUser, unit: Unit) -> Outcome:
    """The row stays, for the audit names it; password, tokens and sessions are over. Nobody removes themselves, nor the last admin."""
    row = users.by_id(unit, command.user_id)
    if row is None:
        return users.UNKNOWN
    if unit.actor == Actor("user", row["name"]):
        return Refused("conflict", "Nobody can remove themselves.")
    if row["role"] == "admin" and not users.can_go_without(unit, row["id"]):
        return Refused("conflict", "Somebody must be admin; make another one first.")
    gone = {"removed_at": unit.now, "password_hash": "", "generation": row["generation"] + 1}
    unit.change(sa.update(user).where(user.c.id == row["id"]).values(gone))
    unit.change(sa.delete(token).where(token.c.user_id == row["id"]))
    note(unit, command.name, row["name"], "removed", {})
    return Done({"UserID": row["id"], "Removed": True})
