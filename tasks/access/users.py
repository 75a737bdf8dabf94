"""What is known of users, for the verbs that change it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.access.rules import leaves_an_admin
from schema.access.tables import user
from schema.outcome import Refused
from tasks.rows import Row
from tasks.unit import Unit

_BY_ID = sa.select(user).where(user.c.id == sa.bindparam("of_user"), user.c.removed_at.is_(None))
_BY_NAME = sa.select(user).where(user.c.name == sa.bindparam("of_name"), user.c.removed_at.is_(None))
_TAKEN = sa.select(user.c.id).where(user.c.name == sa.bindparam("of_name"))
_LAST = sa.select(sa.func.max(user.c.id))
_OTHERS = sa.select(user.c.role).where(user.c.removed_at.is_(None), user.c.id != sa.bindparam("of_user"))

UNKNOWN = Refused("not_found", "There is no such user.")


def by_id(unit: Unit, user_id: int) -> Row | None:
    """A user who may log in."""
    return unit.read(_BY_ID, {"of_user": user_id}).mappings().one_or_none()


def by_name(unit: Unit, name: str) -> Row | None:
    """A user who may log in."""
    return unit.read(_BY_NAME, {"of_name": name}).mappings().one_or_none()


def add(unit: Unit, name: str, password_hash: str, role: str, full_name: str, email: str) -> dict[str, Any] | None:
    """The new user's row; None when the name is taken, be it by somebody who has left."""
    if unit.read(_TAKEN, {"of_name": name}).first() is not None:
        return None
    row: dict[str, Any] = {"id": (unit.read(_LAST).scalar() or 0) + 1, "name": name, "password_hash": password_hash, "role": role}
    row |= {"full_name": full_name, "email": email, "generation": 1, "created_at": unit.now, "removed_at": None}
    unit.add(user, row)
    return row


def anybody(unit: Unit) -> bool:
    """Whether there has ever been a user."""
    return unit.read(_LAST).scalar() is not None


def can_go_without(unit: Unit, user_id: int) -> bool:
    """Whether there is an admin besides this user."""
    return leaves_an_admin(unit.read(_OTHERS, {"of_user": user_id}).scalars())
