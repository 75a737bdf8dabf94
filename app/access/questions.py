"""What can be read of users, tokens and join secrets: never a secret, nor what it is told by."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.reading import ask
from schema.access.tables import join_secret, token, user

_SHOWN = [user.c[name] for name in ("id", "name", "role", "full_name", "email", "created_at")]
_USERS = sa.select(*_SHOWN).where(user.c.removed_at.is_(None)).order_by(user.c.id)
_TOKENS = sa.select(*(token.c[name] for name in ("name", "role", "created_at", "expires_at"))).order_by(token.c.name)
_SECRETS = sa.select(*(join_secret.c[name] for name in ("name", "created_at", "ends_at"))).order_by(join_secret.c.name, join_secret.c.created_at)


def users(limit: int, after: int) -> Sequence[sa.RowMapping]:
    """Users who may log in, in the order of their ids."""
    return ask(_USERS.where(user.c.id > after).limit(limit))


def user_of(id: int) -> sa.RowMapping | None:
    """A user who may log in."""
    return next(iter(ask(_USERS.where(user.c.id == id))), None)


def tokens_of(user_id: int) -> Sequence[sa.RowMapping]:
    """A user's tokens."""
    return ask(_TOKENS.where(token.c.user_id == user_id).limit(1_000))


def secrets() -> Sequence[sa.RowMapping]:
    """Join secrets, by name."""
    return ask(_SECRETS.limit(1_000))
