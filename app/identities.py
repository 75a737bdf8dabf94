"""How somebody is told in secured mode: by a session's cookie, a program's token, a beacon's join secret."""

from __future__ import annotations

from dataclasses import replace

from app import passwords, sessions
from app.identity import Identity
from app.roster import roster
from schema.access.rules import BEACON, lesser

BEARER = "bearer "


def of(cookie: str | None, authorization: str | None) -> Identity | None:
    """Whoever the request presents, None for nobody and for what is not good any more. Raises what broker and database raise.

    A token that is presented counts alone: a cookie that happens to be there does not make up for a bad one.
    """
    if authorization is not None and authorization.lower().startswith(BEARER):
        return _program(passwords.digest(authorization[len(BEARER) :].strip()))
    return None if cookie is None else _of_session(cookie)


def joined(secret: object, name: str) -> Identity | None:
    """The beacon of this name, if the secret is one to join with."""
    if not isinstance(secret, str) or not secret:
        return None
    row = roster().secret(passwords.digest(secret))
    return None if row is None else Identity(BEACON, name, BEACON, secret=row["name"], secret_id=row["id"])


def still(identity: Identity, session: bool = True) -> Identity | None:
    """The same as it is now, None when it is over. Without `session` the end of its session means nothing. Raises as `of`."""
    if identity.kind == BEACON:
        good = roster().secret_of_id(identity.secret_id) is not None
    elif identity.kind == "token":
        return _program(identity.secret_id)
    else:
        row = roster().user(identity.user_id)
        if row is None or row["generation"] != identity.generation:
            return None
        identity, good = replace(identity, role=row["role"]), True
    if session and identity.session is not None:
        good = good and bool(sessions.fields_of(identity.session))
    return identity if good else None


def _program(digest: str) -> Identity | None:
    row = roster().token(digest)
    owner = None if row is None else roster().user(row["user_id"])
    if row is None or owner is None:
        return None
    return Identity("token", f"{owner['name']}/{row['name']}", lesser(row["role"], owner["role"]), owner["id"], session=digest, secret_id=digest)


def _of_session(id: str) -> Identity | None:
    """A session of open mode has neither user nor secret, and counts for nothing here."""
    digest = sessions.digest(id)
    fields = sessions.fields_of(digest)
    beacon = fields.get("beacon")
    if "secret" in fields:
        row = roster().secret_of_id(fields["secret"])
        made = None if row is None else Identity(BEACON, fields["name"], BEACON, secret=row["name"], secret_id=row["id"])
    elif "user" in fields:
        row = roster().user(int(fields["user"]))
        same = row is not None and str(row["generation"]) == fields.get("generation")
        made = Identity("user", row["name"], row["role"], row["id"], row["generation"]) if row is not None and same else None
    else:
        made = None
    return None if made is None else replace(made, session=digest, beacon=beacon)
