"""Every question is understood by every engine, and answered alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.main import create_app
from schema.settings import Settings
from tests.app.observer.conftest import Front
from tests.app.observer.test_plans import HASH, PATHS, SINCE
from tests.app.worker import Worker


@pytest.fixture
def anywhere(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Front]:
    """A hub on each engine."""
    settings = Settings.read(
        {"UV_DATA": str(tmp_path), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "UV_HUB": "hub", "UV_LOG_LEVEL": "ERROR"}
    )
    worker = Worker(settings).migrate().start()
    app = create_app(settings)
    yield Front(app.test_client(), worker)
    app.extensions["metrics"].stop()
    app.extensions["reader"].dispose()
    worker.close()


def test_all_questions_on_all_engines(anywhere: Front) -> None:
    done, held, waiting = anywhere.enqueue(3, AffinityKey="key", Settings={"é": [1, None]}, ConcurrencyKey="c", ConcurrencyLimit=2)
    anywhere.register(slots=1)
    anywhere.complete(done)
    guid = anywhere.get(f"/Beacon/Work/{done}/Events")["Events"][0]["EventGUID"]
    live = anywhere.get(f"/Queue/Events?since={guid}")["Events"]
    anywhere.worker.kernel.redis.delete("uv:events:queue")
    for path in PATHS:
        response = anywhere.client.get(path.replace(HASH, waiting).replace(SINCE, guid))
        assert response.status_code == 200, (path, response.text)
    told = anywhere.get(f"/Queue/Events?since={guid}")["Events"]
    assert told == sorted(live, key=lambda event: event["EventGUID"])
    item = anywhere.get(f"/Beacon/Work/{held}")
    assert (item["Settings"], item["Status"], item["EnqueuedAt"][-1], len(item["EnqueuedAt"])) == ({"é": [1, None]}, "Running", "Z", 24)
    assert [row["WorkItemHash"] for row in anywhere.get("/Beacon/Queue")["Items"]] == [waiting, held, done]
    assert anywhere.why(waiting)[0] == "!affinity_beacon_busy"
    (binding,) = anywhere.get("/Beacon/Affinity")
    assert binding["AffinityKey"] == "key"
    assert len(anywhere.get("/Timeline")["Past"]) == len(anywhere.get("/Observer/History")["Events"])
