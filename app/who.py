"""Who asks. In open mode everybody may; a session tells which beacon speaks, where the request does not."""

from __future__ import annotations

import re

from flask import request

from app import sessions
from app.refusing import refuse
from schema.base import ANONYMOUS, Actor

#: Our own beacons name themselves with it; others are told by the id in path or body, which the verb checks.
BEACON_HEADER = "X-Beacon-ID"

_BEACON_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def actor() -> Actor:
    """The actor of this request: a beacon that names itself, else anonymous, which in open mode is everybody."""
    named = request.headers.get(BEACON_HEADER)
    if named is None:
        return ANONYMOUS
    if not _BEACON_ID.fullmatch(named):
        refuse("bad_request", f"{BEACON_HEADER} is no id of a beacon.")
    return Actor("beacon", named)


def session() -> str | None:
    """The reference of the session that the request presents."""
    return sessions.reference(request.cookies.get(sessions.COOKIE))


def holder(said: str | None) -> str | None:
    """Which beacon reports: the one that it says it is, else the one that registered with this session, None when nobody knows."""
    return said or sessions.beacon_of(request.cookies.get(sessions.COOKIE))


def registered(beacon_id: str) -> None:
    """Remember that the beacon has registered with this request's session."""
    id = request.cookies.get(sessions.COOKIE)
    if id is not None:
        sessions.remember_beacon(id, beacon_id)
