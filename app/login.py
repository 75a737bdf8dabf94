"""Logging in. In open mode everybody may, and nobody has to."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, fields, validate

from app import sessions
from app.answers import Blueprint, failure, shown
from schema.wire import Wire

login = Blueprint("login", __name__, description="Logging in. In open mode everybody may, and nobody has to.")

#: In open mode nobody is told apart.
OPEN_USER = 0


class LoginWire(Wire):
    """Name and password, in either spelling."""

    class Meta:
        unknown = EXCLUDE

    UserName = fields.String(load_default="", allow_none=True, validate=validate.Length(max=256))
    username = fields.String(load_default="", allow_none=True, validate=validate.Length(max=256))
    Password = fields.Raw(load_default=None, load_only=True)
    password = fields.Raw(load_default=None, load_only=True)


@login.route("/1.0/Authenticate", methods=["POST"])
@login.arguments(LoginWire)
def authenticate(body: dict[str, Any]) -> Response:
    """Log in. In open mode any name will do, and no password is looked at."""
    name = body["UserName"] or body["username"]
    if not name:
        return shown({"LoggedIn": False, "Error": "UserName is required."})
    id = sessions.begin(name)
    response = shown(_record(id, name))
    response.set_cookie(sessions.COOKIE, id, path="/", httponly=True, samesite="Lax", max_age=sessions.lifetime())
    return response


@login.route("/1.0/Authenticate/<username>/<password>", methods=["GET"])
@login.alt_response(410, response="DEFAULT_ERROR")
def authenticate_in_address(username: str, password: str) -> Response:
    """Refused: an address is kept in logs and histories, and a password in it with them. POST /1.0/Authenticate instead."""
    return failure("gone", "Credentials do not belong into an address; POST them to /1.0/Authenticate.")


@login.route("/1.0/CheckSession", methods=["GET"])
def check_session() -> Response:
    """Who is logged in."""
    id = request.cookies.get(sessions.COOKIE)
    name = sessions.name_of(id)
    return shown({"LoggedIn": False} if name is None or id is None else _record(id, name))


@login.route("/1.0/Deauthenticate", methods=["GET", "POST"])
def deauthenticate() -> Response:
    """Log out. Without a login it is no mistake."""
    id = request.cookies.get(sessions.COOKIE)
    if id is not None:
        sessions.end(id)
    response = shown({"LoggedIn": False})
    response.delete_cookie(sessions.COOKIE, path="/", httponly=True, samesite="Lax")
    return response


@login.route("/1.0/Session/Context/<context_key>", methods=["POST"])
def switch_context(context_key: str) -> dict[str, Any]:
    """There are no contexts to switch to."""
    return {"Switched": False, "Error": "This hub has no session contexts."}


def _record(id: str, name: str) -> dict[str, Any]:
    user = {"LoginID": name, "IDUser": OPEN_USER, "Roles": [], "NameFirst": name, "NameLast": "", "FullName": name, "Email": ""}
    return {"LoggedIn": True, "SessionID": id, "UserID": OPEN_USER, "UserRecord": user}
