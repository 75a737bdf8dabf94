"""The fixtures through which tests ask for services. A service that is missing skips the test on a laptop and fails it where CI is set."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.services.broker import RedisServer
from tests.services.databases import DatabaseServer, MariaDB, PostgreSQL, Unavailable
from tests.services.processes import Process

ENGINES = ("sqlite", "postgresql", "mariadb")


def missing(reason: str) -> NoReturn:
    """Ends the test: nobody may believe that CI has tested what it has not."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose name is short enough for a Unix socket, and which another user can enter; pytest's own is neither."""
    folder = Path(tempfile.mkdtemp(prefix="uv-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The run's Redis, for tests that hurt it; ask for `redis_url` beside it to begin with an empty one."""
    with short_folder() as folder:
        server = RedisServer(folder)
        yield server
        server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of an empty Redis."""
    redis_server.renew()
    return redis_server.url


@contextmanager
def _serving(kind: type[PostgreSQL] | type[MariaDB]) -> Iterator[DatabaseServer]:
    with short_folder() as folder:
        try:
            server = kind(folder)
        except Unavailable as reason:
            missing(str(reason))
        yield server
        server.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[DatabaseServer]:
    with _serving(PostgreSQL) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[DatabaseServer]:
    with _serving(MariaDB) as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file that does not exist yet. Never a database in memory: other processes, and read-only handles, could not open it."""
    return f"sqlite:///{tmp_path / 'ultravisor.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: DatabaseServer) -> Iterator[str]:
    url = postgresql_server.create()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def mariadb_url(mariadb_server: DatabaseServer) -> Iterator[str]:
    url = mariadb_server.create()
    yield url
    mariadb_server.drop(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once for each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of this machine's Chromium, for Playwright's `executable_path`."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing("no browser: Chromium is not installed (Debian: apt-get install chromium)")


@pytest.fixture
def launch() -> Iterator[Callable[..., Process]]:
    """Starts processes (arguments as for `Process`) that end with the test."""
    launched: list[Process] = []

    def start(*command: str | Path, **options: object) -> Process:
        process = Process(*command, **options)  # type: ignore[arg-type]  # the options are Process's own
        launched.append(process)
        return process.start()

    yield start
    for process in reversed(launched):
        process.kill()
