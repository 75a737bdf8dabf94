"""A hub with databeacons: workers that serve foreign databases, each engine's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from schema.settings import Settings
from tests.app.worker import Databeacon, Worker


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    return Settings.read({**environment, "UV_SECRET_KEY": "a key for tests", "UV_GATEWAY_FILES": str(tmp_path)})


@pytest.fixture
def databeacon(worker: Worker, settings: Settings) -> Iterator[Databeacon]:
    """The hub's worker, and one that serves its connections."""
    made = Databeacon(settings).start()
    yield made
    made.close()


def config_of(url: str) -> tuple[str, dict[str, Any]]:
    """Type and config of a connection to the database at this address."""
    parts = sa.make_url(url)
    if parts.get_backend_name() == "sqlite":
        return "SQLite", {"SQLiteFilePath": parts.database}
    if parts.get_backend_name() == "postgresql":
        return "PostgreSQL", {"socket": parts.query["host"], "user": parts.username, "database": parts.database}
    return "MySQL", {"socket": parts.query["unix_socket"], "user": parts.username, "database": parts.database}


@pytest.fixture
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty foreign database; of SQLite where the test does not ask for all engines."""
    engine = getattr(request, "param", "sqlite")
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    url: str = request.getfixturevalue(f"{engine}_url")
    return url
