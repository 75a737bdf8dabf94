"""Sessions. They live in the broker and end with it: a login is transport, and logging in again costs a client nothing.

The id of a session is known to its owner alone. We keep its digest, and show and store no more than a reference made of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any

import redis
import uuid_utils
from flask import current_app

from app.broker import broker
from schema import envelope as keys
from schema.settings import Settings
from schema.sql import to_wire

COOKIE = "SessionID"
#: Digits of the digest by which a session is called where others see it.
REFERENCE = 16


def begin(name: str, **more: str) -> str:
    """A new session for whoever is called so. `more` says who that is in secured mode. Returns its id."""
    id = str(uuid_utils.uuid4())
    key = keys.session(digest(id))
    pipe = broker().quick.pipeline(transaction=True)
    known: dict[Any, Any] = {"name": name, "since": to_wire(datetime.now(UTC)), **more}
    pipe.hset(key, mapping=known)
    pipe.expire(key, lifetime())
    pipe.execute()
    return id


def end(id: str) -> None:
    broker().quick.delete(keys.session(digest(id)))


def id_in(header: str) -> str | None:
    """The session id in a Cookie header."""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def digest(id: str) -> str:
    return sha256(id.encode()).hexdigest()


def reference(id: str | None) -> str | None:
    """How a session may be called where others see it: it tells sessions apart and opens nothing."""
    return None if id is None else digest(id)[:REFERENCE]


def name_of(id: str | None) -> str | None:
    """Who is logged in with this session, None when nobody is."""
    found: Any = None if id is None else broker().quick.hget(keys.session(digest(id)), "name")
    return None if found is None else str(found.decode())


def fields_of(digest: str) -> dict[str, str]:
    """All that is kept of a session, nothing when there is none. Raises what redis-py raises."""
    found: Any = broker().quick.hgetall(keys.session(digest))
    return {name.decode(): value.decode() for name, value in found.items()}


def remember_beacon(digest: str, beacon_id: str) -> None:
    """The beacon that registered with this session speaks with it from now on."""
    key = keys.session(digest)
    pipe = broker().quick.pipeline(transaction=True)
    pipe.hset(key, "beacon", beacon_id)
    pipe.expire(key, lifetime())
    pipe.execute()


def beacon_of(id: str | None) -> str | None:
    """The beacon that registered with this session; None also when the broker cannot tell."""
    if id is None:
        return None
    try:
        found: Any = broker().quick.hget(keys.session(digest(id)), "beacon")
    except redis.RedisError:
        return None
    return None if found is None else str(found.decode())


def lifetime() -> int:
    """Seconds that a login is good for."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.session_seconds
