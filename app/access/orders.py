"""What changes users, tokens and join secrets. Secrets end here: what goes on is a hash or a digest."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema

from app import passwords, who
from app.access import hidden
from app.answers import Blueprint, carry_out, failure
from schema.access import forms
from schema.access.commands import (
    AddUser,
    Bootstrap,
    ChangeUser,
    DropJoinSecret,
    RemoveUser,
    RotateJoinSecret,
)

access_orders = Blueprint("access_orders", __name__, description="Users, tokens and join secrets: what changes them.")

Body = dict[str, Any]


class UnsaidWire(Schema):
    """Nothing is to be said."""


@access_orders.route("/Beacon/BootstrapAdmin", methods=["POST"])
@access_orders.arguments(forms.BootstrapWire)
def bootstrap(body: Body) -> Response:
    """Make the first admin, with the token that the first start has left. It works once."""
    spec = body["UserSpec"]
    if not who.secured():
        return failure("conflict", "This hub is open: it asks nobody who they are.")
    named = {"username": spec["Username"], "full_name": spec["FullName"], "email": spec["Email"]}
    return carry_out(
        Bootstrap(digest=passwords.digest(body["Token"]), password_hash=hidden.password_hash(spec["Username"], spec["Password"]), **named)
    )


@access_orders.route("/1.0/Users", methods=["POST"])
@access_orders.arguments(forms.UserWire)
def add_user(body: Body) -> Response:
    """Make a user known."""
    named = {"username": body["Username"], "full_name": body["FullName"], "email": body["Email"]}
    return carry_out(AddUser(password_hash=hidden.password_hash(body["Username"], body["Password"]), role=_role(body) or "reader", **named))


@access_orders.route("/1.0/User/<user_id>", methods=["PUT"])
@access_orders.arguments(forms.UserChangeWire)
def change_user(body: Body, user_id: str) -> Response:
    """Change what is known of a user."""
    return carry_out(ChangeUser(user_id=hidden.number(user_id), role=_role(body), full_name=body["FullName"], email=body["Email"]))


@access_orders.route("/1.0/User/<user_id>", methods=["DELETE"])
@access_orders.arguments(UnsaidWire, required=False)
def remove_user(_: Body, user_id: str) -> Response:
    """Let a user log in no more; the name stays taken."""
    return carry_out(RemoveUser(user_id=hidden.number(user_id)))


@access_orders.route("/1.0/User/<user_id>/SetPassword", methods=["POST"])
@access_orders.arguments(forms.SetPasswordWire)
def set_password(body: Body, user_id: str) -> Response:
    """Give a user another password; all sessions of the user end."""
    return carry_out(ChangeUser(user_id=hidden.number(user_id), password_hash=hidden.password_hash(str(user_id), body["NewPassword"])))


@access_orders.route("/1.0/JoinSecret/<name>", methods=["PUT"])
@access_orders.arguments(forms.JoinSecretWire)
def rotate_join_secret(body: Body, name: str) -> Response:
    """Make a secret with which beacons may join; those before it under the name end after the grace. It is shown this once."""
    secret = passwords.fresh(passwords.JOIN_MARK)
    command = RotateJoinSecret(secret_name=hidden.named(name), digest=passwords.digest(secret), grace_seconds=body["GraceSeconds"])
    return hidden.shown_once(command, "JoinSecret", secret)


@access_orders.route("/1.0/JoinSecret/<name>", methods=["DELETE"])
@access_orders.arguments(UnsaidWire, required=False)
def drop_join_secret(_: Body, name: str) -> Response:
    """Forget all secrets of a name; beacons that joined with them are disconnected."""
    return carry_out(DropJoinSecret(secret_name=name))


def _role(body: Body) -> str | None:
    role: str | None = body["Role"] or (body["Roles"] or [None])[0]
    return role
