"""Give programs tokens, and take them back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from schema.access.commands import DropToken, SetToken
from schema.access.rules import lesser
from schema.access.tables import token
from schema.access.wire import token_record
from schema.outcome import Done, Outcome, Refused
from tasks.access import users
from tasks.ledger.audit import note
from tasks.unit import Unit


def set_token(command: SetToken, unit: Unit) -> Outcome:
    """One token of a name: what it replaces opens nothing from now on."""
    owner = users.by_name(unit, command.username)
    if owner is None:
        return users.UNKNOWN
    if lesser(command.role, owner["role"]) != command.role:
        return Refused("forbidden", f"A token of {command.username} may not be more than {owner['role']}.")
    unit.change(sa.delete(token).where(token.c.user_id == owner["id"], token.c.name == command.token_name))
    until = None if command.expires_at is None else datetime.fromisoformat(command.expires_at)
    row = {"id": unit.new_id(), "user_id": owner["id"], "name": command.token_name, "digest": command.digest}
    row |= {"role": command.role, "created_at": unit.now, "expires_at": until}
    unit.add(token, row)
    note(unit, command.name, f"{command.username}/{command.token_name}", "set", {"Role": command.role, "ExpiresAt": command.expires_at})
    return Done(token_record(row))


def drop_token(command: DropToken, unit: Unit) -> Outcome:
    """It opens nothing from now on."""
    owner = users.by_name(unit, command.username)
    if owner is None:
        return users.UNKNOWN
    if unit.change(sa.delete(token).where(token.c.user_id == owner["id"], token.c.name == command.token_name)).rowcount == 0:
        return Refused("not_found", f"There is no token {command.token_name}.")
    note(unit, command.name, f"{command.username}/{command.token_name}", "dropped", {})
    return Done({"Name": command.token_name, "Dropped": True})
