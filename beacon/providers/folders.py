"""The walls around the file system: which paths a beacon may touch, and opening them without being led astray."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from beacon.providers.contract import ProviderError


class Folders:
    """The allowed folders. A path is judged by where it really leads, after every symbolic link and `..` in it.

    Without any allowed folder everything is refused. A relative path starts at the first allowed folder.
    Somebody who may already write inside an allowed folder could swap a folder for a link between judgement and use; the last
    part of the path is safe from that, the parts before are not.
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self._allowed = tuple(folder.resolve() for folder in allowed)

    def inside(self, text: Any, name: str) -> Path:
        """The real path for setting `name`. Raises: ProviderError when it is missing, malformed or outside."""
        if not isinstance(text, str) or not text:
            raise ProviderError(f"The setting {name} must name a path.")
        if not self._allowed:
            raise ProviderError("This beacon allows no folder; start it with --allow FOLDER.")
        try:
            real = (self._allowed[0] / text).resolve()
        except (OSError, RuntimeError, ValueError) as trouble:
            raise ProviderError(f"{name} is not a usable path: {trouble}") from None
        if not any(real.is_relative_to(folder) for folder in self._allowed):
            raise ProviderError(f"{name} leads outside the folders that this beacon allows: {text}")
        return real


def open_to_read(path: Path) -> IO[bytes]:
    """The regular file at `path`, which must hold no link in its last part. Raises: ProviderError for anything but a regular file, OSError."""
    # Non-blocking, or a named pipe would hold the slot until somebody writes into it.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ProviderError(f"Not a regular file: {path}")
    return os.fdopen(handle, "rb")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` in one step when the block ends well, and otherwise vanishes.

    Nobody ever sees half a file. Folders on the way are made; a file that was there passes on its permissions.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            yield file
        if path.exists():
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
