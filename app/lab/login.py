"""The page to log in on, and what other pages say of whoever has."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template

from app import who
from app.hub.here import hub_id
from app.lab import assets


def page() -> Response:
    """The form. It is answered wherever somebody unknown comes for a page, and leads back there."""
    response = make_response(render_template("login.html", hub=hub_id(), asset=assets.address_of, secured=who.secured()))
    response.headers["Cache-Control"] = "no-store"
    return response


def user() -> dict[str, Any]:
    """`user` for every template: name and role, None in open mode."""
    known = who.identity()
    return {"user": None if known is None else {"name": known.name, "role": known.role}}
