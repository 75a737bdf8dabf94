"""Make a user known."""

from __future__ import annotations

from schema.access.commands import AddUser
from schema.access.wire import user_record
from schema.outcome import Done, Outcome, Refused
from tasks.access import users
from tasks.ledger.audit import note
from tasks.unit import Unit


def add_user(command: AddUser, unit: Unit) -> Outcome:
    """A name is given once and for ever: the audit must not mean two people by it."""
    row = users.add(unit, command.username, command.password_hash, command.role, command.full_name, command.email)
    if row is None:
        return Refused("conflict", f"The name {command.username} is taken.")
    note(unit, command.name, command.username, "added", {"Role": command.role})
    return Done(user_record(row), 201)
