"""The only place that opens secrets."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from cryptography.fernet import InvalidToken

from schema.errors import UltravisorError
from schema.sealing import cipher
from schema.settings import Settings


class WrongKey(UltravisorError):
    """A secret was sealed with another key: give UV_SECRET_KEY the value that it had, or enter the secret again."""


def key_of(settings: Settings) -> str:
    """The operator's key, else that of the data folder, made when there is none."""
    return settings.secret_key or _key_in(Path(settings.data))


def _key_in(data: Path) -> str:
    """The key file's content. A new file appears whole or not at all, and of two that are made at once the first one stays."""
    file = data / "secret.key"
    if not file.exists():
        fresh = data / f"secret.key.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(32) + "\n")
            new.flush()
            os.fsync(new.fileno())
        with suppress(FileExistsError):  # somebody else was first: theirs is the key
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text().strip()


def opened(settings: Settings, sealed: str) -> dict[str, Any]:
    """The secrets in a token. Raises WrongKey."""
    if not sealed:
        return {}
    try:
        found: dict[str, Any] = orjson.loads(cipher(key_of(settings)).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise WrongKey from error
    return found
