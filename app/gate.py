"""In secured mode every request is judged here, before anything looks at it: who is it, and may they?"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from app import identities, permits, who
from app.answers import failure
from app.asking import SAFE, body
from app.identity import Identity
from app.lab import login
from app.refusing import refuse
from schema.access.rules import PUBLIC
from schema.settings import Settings

JOINING = "/Beacon/Register"


def guard(app: Flask) -> None:
    """Stand before the routes of this app. In open mode everybody passes."""
    settings: Settings = app.config["SETTINGS"]
    app.extensions["identify"] = identities.of
    if settings.secured:
        app.before_request(judge)
        app.after_request(who.remembered)


def judge() -> Response | None:
    """Let the request pass, or refuse it: 401 for somebody unknown, 403 for somebody who may not. Nothing has been read or stored by then."""
    rule = request.url_rule.rule if request.url_rule is not None else None
    wanted = permits.wanted(request.method, rule)
    if wanted == PUBLIC:
        return None
    identity = who.identity()
    if identity is None and rule == JOINING:
        identity = _joined(body())
    if identity is None:
        return _asked_to_log_in()
    if not identity.may(wanted):
        refuse("forbidden", f"The role {identity.role} does not include the permission to {wanted}.")
    return None


def _joined(registration: Any) -> Identity | None:
    """A beacon that brings a JoinSecret instead of a login gets a session with it."""
    name = registration.get("Name") if isinstance(registration, dict) else None
    joined = identities.joined(registration.get("JoinSecret"), name) if isinstance(name, str) and name else None
    if joined is None:
        return None
    id = who.begun(joined)
    known = identities.of(id, None)
    if known is not None:
        who.became(known, id)
    return known


def _asked_to_log_in() -> Response:
    """401 in JSON for programs; a browser that came for a page gets the one to log in on, at the address that it came for."""
    if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
        response = login.page()
        response.status_code = 401
        return response
    return failure("unauthenticated", "Authentication required.", headers={"WWW-Authenticate": "Bearer"}, LoggedIn=False)
