"""An app, its database and its broker, and a worker that a test may start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.main import create_app
from schema.settings import Settings
from tests.app.worker import Worker


@pytest.fixture
def environment(tmp_path: Path, redis_url: str) -> dict[str, str]:
    return {"UV_DATA": str(tmp_path), "REDIS_URL": redis_url, "UV_HUB": "hub", "UV_LOG_LEVEL": "ERROR"}


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.read(environment)


@pytest.fixture
def idle(settings: Settings) -> Iterator[Worker]:
    """A complete database, and a worker that does not work yet."""
    worker = Worker(settings).migrate()
    yield worker
    worker.close()


@pytest.fixture
def worker(idle: Worker) -> Worker:
    return idle.start()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    tail = app.extensions["tail"]
    tail.stop()
    if (thread := tail._thread) is not None:
        thread.join()
    app.extensions["metrics"].stop()
    app.extensions["reader"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def transport(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client
