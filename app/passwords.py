"""Passwords and tokens: how they are made, stored and told again. Nobody keeps one."""

from __future__ import annotations

import secrets
import threading
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schema.errors import Overloaded

#: argon2id with 19 MiB and two passes, the least that OWASP asks for: about 20 ms, so that a login costs the one who guesses and not us.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: Hashes at a time in one process: each takes a core and 19 MiB.
_AT_WORK = threading.BoundedSemaphore(2)
#: Seconds that one waits for its turn.
TURN_SECONDS = 5.0
#: Who has no password is measured by this one, so that the time of an answer does not tell whether a name exists.
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))

#: What a token of ours begins with: people and scanners recognise one that lies about.
TOKEN_MARK, JOIN_MARK = "uvt_", "uvj_"


def hashed(password: str, salt: bytes | None = None) -> str:
    """The password's hash, argon2id. The same `salt` (16 bytes) gives the same hash. Raises Overloaded."""
    with _turn():
        return _HASHER.hash(password, salt=salt)


def salt_of(*parts: str) -> bytes:
    """A salt that a repetition of the request finds again. A salt must be unique; nothing asks it to be secret.

    >>> salt_of("key", "name") == salt_of("key", "name") != salt_of("key", "other")
    True
    """
    return sha256("\0".join(parts).encode()).digest()[:16]


def matches(password: str, stored: str | None) -> bool:
    """Whether it is the password of this hash; of none, in the same time. Raises Overloaded."""
    with _turn():
        try:
            return _HASHER.verify(stored or _NOBODYS, password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def fresh(mark: str) -> str:
    """A secret of 256 random bits, in letters that need no quoting."""
    return mark + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """How a secret of 256 random bits is stored: there is nothing to guess, so it needs neither salt nor costs."""
    return sha256(secret.encode()).hexdigest()


class _turn:  # noqa: N801 - read as a word: `with _turn():`
    def __enter__(self) -> None:
        if not _AT_WORK.acquire(timeout=TURN_SECONDS):
            raise Overloaded("Too many are logging in at once.")

    def __exit__(self, *_: object) -> None:
        _AT_WORK.release()
