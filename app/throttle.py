"""Logins that fail are counted in the broker, by address and name, so that guessing takes years in every process together."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from app.broker import broker
from schema import envelope as keys

#: Seconds for which a failure is remembered.
WINDOW_SECONDS = 900
#: Tries within that time: of one address under one name, of one address, and under one name from everywhere. The last is generous, or
#: anybody could lock the owner of a name out.
MOST = {"both": 5, "address": 30, "name": 200}


def attempt(address: str, name: str) -> int:
    """Count a try, before it is judged: those that come together must not all be the first. Returns the seconds to wait, 0 to go on.

    Raises what redis-py raises: where nothing can be counted, nobody may guess.
    """
    pipe = broker().quick.pipeline(transaction=True)
    for key in _keys(address, name).values():
        pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
        pipe.incr(key)
        pipe.ttl(key)
    found: list[Any] = pipe.execute()
    waits = [ttl for most, count, ttl in zip(MOST.values(), found[1::3], found[2::3], strict=True) if count > most]
    return max(map(int, waits), default=0)


def succeeded(address: str, name: str) -> None:
    """It was no guess after all: forget the tries of this address under this name, and this one of the others."""
    both, *others = _keys(address, name).values()
    pipe = broker().quick.pipeline(transaction=True)
    pipe.delete(both)
    for key in others:
        pipe.decr(key)
    pipe.execute()


def _keys(address: str, name: str) -> dict[str, str]:
    parts = {"both": (address, name), "address": (address, ""), "name": ("", name)}
    return {kind: keys.failures(sha256("\0".join((kind, *parts[kind])).encode()).hexdigest()[:32]) for kind in MOST}
