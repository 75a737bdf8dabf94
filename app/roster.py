"""Who is known, as SQL has it, remembered for a moment: a role that was taken away is noticed within ROSTER_SECONDS in every process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import sqlalchemy as sa
from flask import current_app

from app.reading import ask
from schema.access.tables import join_secret, token, user

Row = Mapping[Any, Any]

#: Seconds for which an answer is remembered.
ROSTER_SECONDS = 2.0
#: Answers that are remembered; those who guess must not fill the memory.
MOST = 2_000

_USER = sa.select(user).where(user.c.id == sa.bindparam("of_user"), user.c.removed_at.is_(None))
_BY_NAME = sa.select(user).where(user.c.name == sa.bindparam("of_name"), user.c.removed_at.is_(None))
_TOKEN = sa.select(token).where(token.c.digest == sa.bindparam("of_digest"))
_SECRET = sa.select(join_secret).where(join_secret.c.digest == sa.bindparam("of_digest"))
_SECRET_ID = sa.select(join_secret).where(join_secret.c.id == sa.bindparam("of_id"))


class Roster:
    """One per web process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Any], tuple[float, Row]] = {}
        self._lock = threading.Lock()

    def user(self, id: int) -> Row | None:
        """A user who may log in."""
        return self._found(("user", id), lambda: _first(_USER, of_user=id))

    def user_named(self, name: str) -> Row | None:
        """A user who wants to log in: asked anew each time, for the password may be new."""
        return _first(_BY_NAME, of_name=name)

    def token(self, digest: str) -> Row | None:
        """A token that is still good."""
        return _good(self._found(("token", digest), lambda: _first(_TOKEN, of_digest=digest)), "expires_at")

    def secret(self, digest: str) -> Row | None:
        """A join secret that is still good, by what it is."""
        return _good(self._found(("secret", digest), lambda: _first(_SECRET, of_digest=digest)), "ends_at")

    def secret_of_id(self, id: str) -> Row | None:
        """A join secret that is still good, by its id."""
        return _good(self._found(("secret id", id), lambda: _first(_SECRET_ID, of_id=id)), "ends_at")

    def _found(self, key: tuple[str, Any], look: Callable[[], Row | None]) -> Row | None:
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < ROSTER_SECONDS:
            return known[1]
        asked, row = monotonic(), look()
        if row is None:
            return None  # it may be made in the next moment, and whoever waits for that will use it at once
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (asked, row)
        return row


def roster() -> Roster:
    """The roster of the running app."""
    found: Roster = current_app.extensions["roster"]
    return found


def _first(statement: sa.Executable, **parameters: Any) -> Row | None:
    return next(iter(ask(statement, parameters)), None)


def _good(row: Row | None, end: str) -> Row | None:
    if row is None or (row[end] is not None and row[end] <= datetime.now(UTC)):
        return None
    return row
