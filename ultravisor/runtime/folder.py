"""The data folder: private, with a key for secrets, and claimed by one running hub at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import IO

from schema.errors import UltravisorError

#: Tries to claim a folder before it counts as taken: somebody who only looks, as `holder` does, is gone by the next one.
_TRIES = 5
_PAUSE_SECONDS = 0.02


class FolderTaken(UltravisorError):
    """Another hub runs on this data folder."""


class FolderUnusable(UltravisorError):
    """The data folder cannot be made or written."""


def prepare(data: Path) -> None:
    """Make the folder, for us alone. A folder that already holds things keeps its mode: it may be somebody's home. Raises FolderUnusable."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(data.iterdir()) and data.stat().st_uid == os.geteuid():
            data.chmod(0o700)
    except OSError as trouble:
        raise FolderUnusable(f"{data} cannot be the data folder: {trouble.strerror}. Choose another one with UV_DATA.") from trouble
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise FolderUnusable(f"{data} cannot be the data folder: we may not write there. Choose another one with UV_DATA.")


def secret_key(data: Path) -> str:
    """The key for secrets at rest, made at the first start. It appears whole or not at all: half a key would lock secrets away for ever."""
    file = data / "secret.key"
    if not file.exists():
        fresh = data / "secret.key.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(32) + "\n")
            new.flush()
            os.fsync(new.fileno())
        fresh.rename(file)
    return file.read_text().strip()


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the folder for this process. The kernel lets go when the process ends, however it ends. Raises FolderTaken."""
    with _lock_file(data).open("a+") as lock:
        for _ in range(_TRIES):
            if _take(lock, fcntl.LOCK_EX):
                break
            sleep(_PAUSE_SECONDS)
        else:
            pid = _pid_in(lock)
            raise FolderTaken(f"a hub already runs on {data}, with pid {pid}. Stop it with: kill {pid}", pid=pid)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(data: Path) -> int | None:
    """The pid of the hub that runs on this folder, None when there is none."""
    try:
        with _lock_file(data).open() as lock:
            return None if _take(lock, fcntl.LOCK_SH) else _pid_in(lock)
    except OSError:
        return None


def _lock_file(data: Path) -> Path:
    return data / "up.pid"


def _take(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(lock: IO[str]) -> int:
    lock.seek(0)
    return int(lock.read().strip() or 0)
