"""No route writes: each one is asked with each of its methods on a file that nobody may write, while every statement is recorded."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.reading import _is_question, recorded
from schema.settings import Settings
from tests.app.conftest import serving, working
from tests.app.routes import ENDING, Route
from tests.services.broker import RedisServer


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Settings:
    data = str(tmp_path_factory.mktemp("read_only"))
    return Settings.read({"UV_DATA": data, "REDIS_URL": redis_server.url, "UV_HUB": "hub", "UV_LOG_LEVEL": "ERROR"})


@pytest.fixture(scope="module")
def read_only(settings: Settings, migrated: Path) -> Iterator[Path]:
    """The complete database, all in one file, and that file and its folder not writable."""
    with working(settings, migrated) as worker:
        worker.bury()
    folder = Path(settings.data)
    file = folder / "ultravisor.db"
    file.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield file
    folder.chmod(stat.S_IRWXU)


@pytest.fixture(scope="module")
def app(settings: Settings, read_only: Path) -> Iterator[Flask]:
    with serving(settings) as app:
        yield app


@pytest.fixture
def client(app: Flask, redis_url: str) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("route", ENDING, ids=str)
def test_no_route_writes(route: Route, read_only: Path, client: FlaskClient) -> None:
    before = read_only.read_bytes(), read_only.stat().st_mtime_ns
    with recorded() as statements:
        response = client.open(route.path, method=route.method, headers={"Prefer": "wait=0"})
    assert response.status_code != 500
    assert all(map(_is_question, statements)), statements
    assert (read_only.read_bytes(), read_only.stat().st_mtime_ns) == before


def test_the_routes_really_ask(read_only: Path, app: Flask) -> None:
    """The recorder sees what the probe relies on."""
    with recorded() as statements:
        assert len(app.test_client().get("/api/dead-letters").json) == 1
    assert [statement for statement in statements if "FROM ledger_dead_letter" in statement]
