"""A hub with databeacons: workers that serve foreign databases, each engine's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from schema.settings import Settings
from tests.app.worker import Databeacon, Worker
from tests.tasks.gateway.targets import config_of


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    return Settings.read({**environment, "UV_SECRET_KEY": "a key for tests", "UV_GATEWAY_FILES": str(tmp_path)})


@pytest.fixture
def databeacon(worker: Worker, settings: Settings) -> Iterator[Databeacon]:
    """The hub's worker, and one that serves its connections."""
    made = Databeacon(settings).start()
    yield made
    made.close()


@pytest.fixture
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty foreign database; of SQLite where the test does not ask for all engines."""
    engine = getattr(request, "param", "sqlite")
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    url: str = request.getfixturevalue(f"{engine}_url")
    return url


def served(client: FlaskClient, url: str, name: str = "Orders") -> int:
    """A connection to the database at this address, connected. Returns its id."""
    kind, config = config_of(url)
    made = client.post("/beacon/connection", json={"Name": name, "Type": kind, "Config": config})
    assert made.status_code == 200, made.json
    id = int(made.json["Connection"]["IDBeaconConnection"])
    connected = client.post(f"/beacon/connection/{id}/connect")
    assert connected.status_code == 200, connected.json
    return id
