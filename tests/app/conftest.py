"""An app, its database and its broker, and a worker that a test may start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete and empty database. A copy takes a moment, and the migrations take three hundred times as long."""
    folder = tmp_path_factory.mktemp("migrated")
    Worker(Settings.read({"UV_DATA": str(folder), "REDIS_URL": "redis://127.0.0.1:1/0"})).migrate().close()
    return folder / "ultravisor.db"


@contextmanager
def working(settings: Settings, migrated: Path) -> Iterator[Worker]:
    """A complete database at the place of these settings, and a worker that does not work yet."""
    worker = Worker(settings)
    if worker.kernel.engine.dialect.name == "sqlite":
        shutil.copyfile(migrated, str(sa.make_url(settings.database_url).database))
    else:
        worker.migrate()
    yield worker
    worker.close()


@pytest.fixture
def idle(settings: Settings, migrated: Path) -> Iterator[Worker]:
    with working(settings, migrated) as worker:
        yield worker


@pytest.fixture
def worker(idle: Worker) -> Worker:
    return idle.start()


@contextmanager
def serving(settings: Settings) -> Iterator[Flask]:
    """A web process's app, and its threads ended after it."""
    app = create_app(settings)
    yield app
    tail = app.extensions["tail"]
    tail.stop()
    if (thread := tail._thread) is not None:
        thread.join()
    app.extensions["metrics"].stop()
    app.extensions["reader"].dispose()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with serving(settings) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def transport(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client
