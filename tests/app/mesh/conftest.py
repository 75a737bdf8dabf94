"""A hub with its workers, a library behind a connection, and a databeacon that is a beacon of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from schema.settings import Settings
from tasks import unit
from tasks.kernel import Kernel, broker
from tasks.mesh.presence import Presence
from tests.app.gateway.conftest import databeacon, target_url
from tests.app.gateway.records import Library
from tests.app.worker import Databeacon
from tests.services.processes import eventually

__all__ = ["databeacon", "target_url"]


class Mesh:
    """The library, asked through work items."""

    def __init__(self, client: FlaskClient, library: Library, presence: Presence) -> None:
        self.client, self.library, self.presence = client, library, presence

    def item(self, capability: str, action: str, **settings: Any) -> dict[str, Any]:
        """The item once it has ended."""
        body = {"Capability": capability, "Action": action, "Settings": settings, "MaxAttempts": 1}
        made = self.client.post("/Beacon/Work/Enqueue", json=body)
        assert made.status_code == 200, made.json
        return dict(eventually(lambda: self.ended(made.json["WorkItemHash"])))

    def ended(self, hash: str) -> dict[str, Any] | None:
        found = self.client.get(f"/Beacon/Work/{hash}").json
        item: dict[str, Any] = found.get("WorkItem", found)
        return item if item["Status"] in ("Complete", "Error") else None

    def outputs(self, capability: str, action: str, **settings: Any) -> dict[str, Any]:
        """What a good item has brought."""
        item = self.item(capability, action, **settings)
        assert item["Status"] == "Complete", item["LastError"]
        return dict(item["Result"]["Outputs"])

    def error(self, capability: str, action: str, **settings: Any) -> str:
        """Why an item was not done."""
        item = self.item(capability, action, **settings)
        assert item["Status"] == "Error", item
        return str(item["LastError"])

    def proxied(self, method: str, path: str, body: Any = None, **settings: Any) -> tuple[int, Any]:
        """Status and body of a request for records."""
        told = {} if body is None else {"Body": orjson.dumps(body).decode()}
        found = self.outputs("MeadowProxy", "Request", Method=method, Path=path, **told, **settings)
        return found["Status"], orjson.loads(found["Body"])


@pytest.fixture
def more() -> dict[str, str]:
    """Further settings."""
    return {}


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path, more: dict[str, str]) -> Settings:
    return Settings.read({**environment, "UV_SECRET_KEY": "a key for tests", "UV_GATEWAY_FILES": str(tmp_path), **more})


@pytest.fixture
def mesh(client: FlaskClient, databeacon: Databeacon, target_url: str, settings: Settings) -> Iterator[Mesh]:
    library = Library(client, target_url)
    engine = unit.connect(settings.database_url, keep=False)
    presence = Presence(Kernel(settings, engine, broker(settings.redis_url), {}, databeacon._ring), "embedded").start()
    eventually(lambda: presence.beacon_id)
    yield Mesh(client, library, presence)
    presence.end()
    presence.kernel.redis.close()
    engine.dispose()
    library.engine.dispose()
