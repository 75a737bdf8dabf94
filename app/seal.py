"""The web process cannot write files of the hub, not even by mistake: an audit hook of the interpreter sees every attempt and refuses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from schema.settings import Settings


class WriteTried(PermissionError):
    """The web process is read-only; what shall change must be dispatched as a command."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{(type(self).__doc__ or '').splitlines()[0]} Refused: {what}")


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: Audit event -> positions of the paths that it would change, each with the position of the folder descriptor it is relative to.
_CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
}

#: Another process would not be sealed; starting one is the workers' business.
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn"})


def seal(settings: Settings) -> None:
    """From now on this process opens SQLite files read-only, changes no file below the data folder, and starts no program.

    It cannot be undone, and it holds for whatever the process loads: called by the WSGI entry alone.
    """
    ours = _ours(settings)

    def guarded(path: Any, folder: Any) -> None:
        if isinstance(path, int) or path is None:
            return  # an open descriptor: opening it for writing was refused already
        full = _full(path, folder)
        if any(full == root or full.startswith(root + os.sep) for root in ours):
            raise WriteTried(full)

    def opened(args: tuple[Any, ...]) -> None:
        path, _, flags = args
        if not flags & _WRITING or isinstance(path, int):
            return
        if not os.fsdecode(path).startswith(os.sep):
            # It may be relative to an open folder, and the interpreter does not tell which.
            raise WriteTried(f"opening {path!r}, which is relative, for writing")
        guarded(path, -1)

    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {"open": opened}
    checks["sqlite3.connect"] = lambda args: _only_reading(args[0])
    checks.update({event: _check_of(guarded, places) for event, places in _CHANGES.items()})
    checks.update(dict.fromkeys(_STARTS, _no_program))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        check = checks.get(event)
        if check is not None:
            check(args)

    sys.addaudithook(hook)


def _ours(settings: Settings) -> tuple[str, ...]:
    """The data folder, and the database where it lies elsewhere."""
    paths = [settings.data]
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = os.path.realpath(url.database)
        paths += [file, f"{file}-wal", f"{file}-shm", f"{file}-journal"]
    return tuple(os.path.realpath(path) for path in paths)


def _check_of(guarded: Callable[[Any, Any], None], places: tuple[tuple[int, int | None], ...]) -> Callable[[tuple[Any, ...]], None]:
    def check(args: tuple[Any, ...]) -> None:
        for path, folder in places:
            guarded(args[path], -1 if folder is None else args[folder])

    return check


def _full(path: Any, folder: Any) -> str:
    """The real path, links followed; relative to an open folder where one is given."""
    text = os.fsdecode(path)
    if isinstance(folder, int) and folder >= 0:
        text = str(Path(f"/proc/self/fd/{folder}", text))  # an absolute path replaces the folder
    return os.path.realpath(text)


def _only_reading(database: Any) -> None:
    parts = urlsplit(database) if isinstance(database, str) else None
    if parts is None or parts.scheme != "file" or parse_qs(parts.query).get("mode") != ["ro"]:
        raise WriteTried(f"sqlite3.connect({database!r}) without mode=ro")


def _no_program(args: tuple[Any, ...]) -> None:
    raise WriteTried(f"starting {args[0] if args else 'a program'}")
