"""Who asks. In open mode everybody may, and a session only tells which beacon speaks; in secured mode an identity stands behind each request."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Response, current_app, g, request

from app import sessions
from app.identity import Identity
from app.refusing import refuse
from schema.access.rules import OPERATE
from schema.base import ANONYMOUS, Actor
from schema.settings import Settings

#: Our own beacons name themselves with it; others are told by the id in path or body, which the verb checks.
BEACON_HEADER = "X-Beacon-ID"

_BEACON_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def secured() -> bool:
    """Whether this app asks who somebody is."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.secured


def identity() -> Identity | None:
    """Who stands behind this request, None for nobody; in open mode nobody is told apart. Raises what broker and database raise."""
    if "identity" not in g:
        # By a name and not by an import: orders are wanted by somebody, and never read anything themselves.
        tell: Callable[[str | None, str | None], Identity | None] = current_app.extensions["identify"]
        g.identity = tell(request.cookies.get(sessions.COOKIE), request.headers.get("Authorization")) if secured() else None
    found: Identity | None = g.identity
    return found


def actor() -> Actor:
    """The actor of this request. In open mode a beacon that names itself, else anonymous, which is everybody."""
    named = request.headers.get(BEACON_HEADER)
    if named is not None and not _BEACON_ID.fullmatch(named):
        refuse("bad_request", f"{BEACON_HEADER} is no id of a beacon.")
    if secured():
        if named is not None:
            own(named)
        known = identity()
        return ANONYMOUS if known is None else known.actor
    return ANONYMOUS if named is None else Actor("beacon", named)


def session() -> str | None:
    """The reference of the session that the request presents."""
    known = identity()
    if known is not None:
        return None if known.session is None else known.session[: sessions.REFERENCE]
    return sessions.reference(request.cookies.get(sessions.COOKIE))


def owner() -> str | None:
    """To whom the name of a beacon belongs that registers now; None in open mode, where it is anybody's."""
    known = identity()
    return None if known is None else known.owner


def holder(said: str | None) -> str | None:
    """Which beacon reports. In secured mode the session's own and no other; in open mode the one that it says it is, else the one that
    registered with this session, None when nobody knows.
    """
    if secured():
        return own(said or None)
    return said or sessions.beacon_of(request.cookies.get(sessions.COOKIE))


def own(beacon_id: str | None, operators: bool = False) -> str | None:
    """The beacon that is meant, if the request may speak for it. Refuses all others in secured mode, but for operators where they may.

    A session that has lost its beacon, as all do with the broker, is answered 401: that makes every client log in and register again.
    """
    known = identity()
    if known is None or (operators and known.may(OPERATE)):
        return beacon_id
    mine = sessions.fields_of(known.session).get("beacon") if known.kind == "token" and known.session else known.beacon
    if mine is None:
        refuse("unauthenticated", "No beacon has registered with this session; register first.")
    if beacon_id not in (None, mine):
        refuse("forbidden", "This session speaks for another beacon.")
    return mine


def registered(beacon_id: str) -> None:
    """Remember that the beacon has registered with this request's session."""
    known = identity()
    if known is not None:
        if known.session is not None:
            sessions.remember_beacon(known.session, beacon_id)
        return
    id = request.cookies.get(sessions.COOKIE)
    if id is not None:
        sessions.remember_beacon(sessions.digest(id), beacon_id)


def became(known: Identity, session_id: str) -> None:
    """From now on somebody stands behind this request, with a session of which its answer brings the cookie."""
    g.identity, g.fresh_session = known, session_id


def begun(known: Identity) -> str:
    """A new session for a user or a beacon. Returns its id."""
    if known.secret_id:
        return sessions.begin(known.name, secret=known.secret_id)
    return sessions.begin(known.name, user=str(known.user_id), generation=str(known.generation))


def with_session(response: Response, id: str) -> Response:
    """The answer with the session's cookie: no script reads it, and no other site's page sends it along with an order."""
    response.set_cookie(sessions.COOKIE, id, path="/", httponly=True, samesite="Lax", secure=request.is_secure, max_age=sessions.lifetime())
    return response


def remembered(response: Response) -> Response:
    """The answer with the cookie of a session that began with this very request."""
    return with_session(response, g.fresh_session) if "fresh_session" in g else response
