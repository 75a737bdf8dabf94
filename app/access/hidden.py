"""Where secrets end: what goes on is a hash or a digest, and a new secret is shown once."""

from __future__ import annotations

from flask import Response
from marshmallow import ValidationError

from app import passwords, who
from app.answers import outcome_of, refuse, reply, shown
from app.asking import idempotency_key
from schema.access.forms import USERNAME
from schema.base import Command
from schema.outcome import Done


def shown_once(command: Command, word: str, secret: str) -> Response:
    """The answer with the secret, which no receipt keeps: one that got lost is replaced by asking again."""
    outcome = outcome_of(command, keyed=False)
    if not isinstance(outcome, Done):
        return reply(outcome)
    response = shown({**outcome.value, word: secret}, outcome.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def password_hash(name: str, password: str) -> str:
    """The hash; the same again for a repetition of the request, which is known by its key."""
    key = idempotency_key()
    return passwords.hashed(password, None if key is None else passwords.salt_of(str(who.actor()), key, name))


def named(name: str) -> str:
    """The name, if it can be one. Raises Refusal."""
    try:
        USERNAME(name)
    except ValidationError as error:
        refuse("bad_request", f"The name must be {error.messages[0]}")
    return name


def number(user_id: str) -> int:
    """The id of a user in an address. Raises Refusal for what is none."""
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) < 10):
        refuse("not_found", "There is no such user.")
    return int(user_id)
