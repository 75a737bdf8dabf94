"""Logging in. In open mode everybody may, and nobody has to; in secured mode it takes a user's password or a beacon's join secret."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app import identities, passwords, sessions, throttle, who
from app.answers import Blueprint, failure, refuse, shown
from app.identity import Identity
from app.roster import roster
from schema.access.forms import LoginWire
from schema.access.wire import user_record

login = Blueprint("login", __name__, description="Logging in. In open mode everybody may, and nobody has to.")

#: In open mode nobody is told apart.
OPEN_USER = 0
#: One answer for every reason: which names exist is nobody's business.
FAILED = "Authentication failed."

Body = dict[str, Any]


@login.route("/1.0/Authenticate", methods=["POST"])
@login.arguments(LoginWire)
def authenticate(body: Body) -> Response:
    """Log in. In open mode any name will do, and no password is looked at."""
    name = body["UserName"] or body["username"]
    if not name:
        return shown({"LoggedIn": False, "Error": "UserName is required."})
    if not who.secured():
        id = sessions.begin(name)
        return who.with_session(shown(_record(id, _anybody(name))), id)
    password = body["Password"] or body["password"]
    # Clients without a password log in all the same, and go on without: that is no guess.
    if not isinstance(password, str) or not password:
        return shown({"LoggedIn": False, "Error": FAILED})
    return _judged(name, password)


def _judged(name: str, password: str) -> Response:
    address = request.remote_addr or "unknown"
    if seconds := throttle.attempt(address, name):
        response = shown({"LoggedIn": False, "Error": "Too many failed logins; wait.", "RetryAfterSeconds": seconds})
        response.headers["Retry-After"] = str(seconds)
        return response
    known = _known(name, password)
    if known is None:
        return shown({"LoggedIn": False, "Error": FAILED})
    throttle.succeeded(address, name)
    id = who.begun(known)
    return who.with_session(shown(_record(id, _user_of(known))), id)


def _known(name: str, password: str) -> Identity | None:
    if password.startswith(passwords.JOIN_MARK):
        return identities.joined(password, name)
    row = roster().user_named(name)
    if not passwords.matches(password, None if row is None else row["password_hash"]) or row is None:
        return None
    return Identity("user", row["name"], row["role"], row["id"], row["generation"])


@login.route("/1.0/Authenticate/<username>/<password>", methods=["GET"])
@login.alt_response(410, response="DEFAULT_ERROR")
def authenticate_in_address(username: str, password: str) -> Response:
    """Refused: an address is kept in logs and histories, and a password in it with them. POST /1.0/Authenticate instead."""
    return failure("gone", "Credentials do not belong into an address; POST them to /1.0/Authenticate.")


@login.route("/1.0/CheckSession", methods=["GET"])
def check_session() -> Response:
    """Who is logged in."""
    id = request.cookies.get(sessions.COOKIE)
    if who.secured():
        known = who.identity()
        return shown({"LoggedIn": False} if known is None else _record(id, _user_of(known)))
    name = sessions.name_of(id)
    return shown({"LoggedIn": False} if name is None else _record(id, _anybody(name)))


@login.route("/1.0/Deauthenticate", methods=["GET", "POST"])
def deauthenticate() -> Response:
    """Log out. Without a login it is no mistake."""
    # The original lets a GET do it, which any page could have a browser send.
    if request.headers.get("Sec-Fetch-Site", "").lower() in ("cross-site", "same-site"):
        refuse("cross_origin")
    id = request.cookies.get(sessions.COOKIE)
    if id is not None:
        sessions.end(id)
    response = shown({"LoggedIn": False})
    response.delete_cookie(sessions.COOKIE, path="/", httponly=True, samesite="Lax")
    return response


@login.route("/1.0/Session/Context/<context_key>", methods=["POST"])
def switch_context(context_key: str) -> Body:
    """There are no contexts to switch to."""
    return {"Switched": False, "Error": "This hub has no session contexts."}


def _record(id: str | None, user: Body) -> Body:
    return {"LoggedIn": True, "SessionID": id, "UserID": user["IDUser"], "UserRecord": user}


def _anybody(name: str) -> Body:
    return {"LoginID": name, "IDUser": OPEN_USER, "Roles": [], "NameFirst": name, "NameLast": "", "FullName": name, "Email": ""}


def _user_of(known: Identity) -> Body:
    row = roster().user(known.user_id) if known.user_id else None
    told = _anybody(known.name) if row is None else user_record(row)
    return told | {"Roles": [known.role]}
