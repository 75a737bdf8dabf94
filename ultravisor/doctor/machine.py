"""This machine and what is installed on it."""

from __future__ import annotations

import platform
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import redis

from schema.settings import Settings
from ultravisor import here
from ultravisor.doctor.finding import Finding, ok, warning

PACKAGES = ("celery", "kombu", "redis", "sqlalchemy")
#: Files that a process holds beside its connections.
OTHER_FILES = 200


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    yield judged_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0], settings.web_threads)
    seen = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    with suppress(redis.RedisError), here.broker(settings) as client:
        info: dict[str, Any] = client.info("server")
        seen.append(f"Redis {info['redis_version']}")
    yield ok("versions", ", ".join([*seen, *(f"{name} {version(name)}" for name in PACKAGES)]))


def judged_files(limit: int, threads: int) -> Finding:
    """Each thread of a web process holds its caller, its broker connection and its database."""
    needed = 4 * threads + OTHER_FILES
    if limit == resource.RLIM_INFINITY or limit >= needed:
        return ok("open files", "no limit" if limit == resource.RLIM_INFINITY else f"{limit} for each process")
    return warning("open files", f"{limit} for each process, {needed} may be needed", f"Raise it before the start: ulimit -n {max(needed, 4096)}")
