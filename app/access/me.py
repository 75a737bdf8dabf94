"""What whoever has logged in does about their own password and tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from app import passwords, who
from app.access import hidden, questions
from app.access.orders import UnsaidWire
from app.answers import Blueprint, carry_out, refuse
from app.identity import Identity
from app.roster import roster
from schema.access import forms
from schema.access.commands import ChangeUser, DropToken, SetToken
from schema.access.wire import token_record

me = Blueprint("access_me", __name__, description="Your own password and tokens.")

Body = dict[str, Any]


@me.route("/1.0/Me/Tokens")
def tokens() -> Body:
    """The tokens of whoever asks."""
    known = who.identity()
    return {"Tokens": [] if known is None else [token_record(row) for row in questions.tokens_of(known.user_id)]}


@me.route("/1.0/Me/ChangePassword", methods=["POST"])
@me.arguments(forms.ChangePasswordWire)
def change_password(body: Body) -> Response:
    """Give yourself another password. It takes the present one, and ends all sessions, this one too."""
    known = _person()
    row = roster().user_named(known.name)
    if row is None or not passwords.matches(body["CurrentPassword"], row["password_hash"]):
        refuse("forbidden", "CurrentPassword is not your password.")
    return carry_out(ChangeUser(user_id=known.user_id, password_hash=hidden.password_hash(known.name, body["NewPassword"])))


@me.route("/1.0/Me/Token/<name>", methods=["PUT"])
@me.arguments(forms.TokenWire)
def set_token(body: Body, name: str) -> Response:
    """Make a token for a program, in place of the one that had the name. It is shown this once."""
    seconds = body["ExpiresInSeconds"]
    until = None if seconds is None else (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    token = passwords.fresh(passwords.TOKEN_MARK)
    command = SetToken(username=_person().name, token_name=hidden.named(name), digest=passwords.digest(token), role=body["Role"], expires_at=until)
    return hidden.shown_once(command, "Token", token)


@me.route("/1.0/Me/Token/<name>", methods=["DELETE"])
@me.arguments(UnsaidWire, required=False)
def drop_token(_: Body, name: str) -> Response:
    """Take a token back."""
    return carry_out(DropToken(username=_person().name, token_name=name))


def _person() -> Identity:
    """Whoever has logged in with a password: a token shall not make others, nor outlive itself by changing the password."""
    known = who.identity()
    if known is None or known.kind != "user":
        refuse("forbidden", "Only somebody who has logged in with a password may do this.")
    return known
