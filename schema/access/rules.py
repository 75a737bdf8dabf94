"""What each role may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Permissions, by what they open. `public` is nobody's: it needs no login.
PUBLIC, READ, OPERATE, SERVE, ADMINISTER = "public", "read", "operate", "serve", "administer"

#: What people and programs may be; each may do what the one before it may. A beacon stands beside them: it serves, and sees nothing else.
PEOPLE = ("reader", "operator", "admin")
BEACON = "beacon"

ROLES: Mapping[str, frozenset[str]] = {
    "reader": frozenset({READ}),
    "operator": frozenset({READ, OPERATE, SERVE}),
    "admin": frozenset({READ, OPERATE, SERVE, ADMINISTER}),
    BEACON: frozenset({SERVE}),
}


def may(role: str | None, permission: str) -> bool:
    """Whether the role includes the permission. None is somebody who is not known.

    >>> may(None, PUBLIC), may(None, READ), may("reader", READ), may("reader", OPERATE), may("beacon", READ)
    (True, False, True, False, False)
    """
    return permission == PUBLIC or permission in ROLES.get(role or "", ())


def lesser(one: str, other: str) -> str:
    """The role that may do less: what a token may is bounded by its owner.

    >>> lesser("admin", "reader"), lesser("operator", "admin")
    ('reader', 'operator')
    """
    return min(one, other, key=PEOPLE.index)


def leaves_an_admin(others: Iterable[str]) -> bool:
    """Whether somebody is left who may administer, by the roles of all others who may log in."""
    return "admin" in others
