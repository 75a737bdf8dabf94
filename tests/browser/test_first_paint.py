"""What the server renders, without a browser: budget, caching, and a hub that is not ready."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.lab import assets, shown
from app.main import create_app
from app.reading import recorded
from schema.hub.tables import beacon
from schema.ledger.tables import dead_letter
from schema.settings import Settings
from tasks import migrations, unit
from tasks.kernel import clock, new_id

BEACON = {
    "hub": "hub",
    "beacon_id": "bcn-1",
    "name": "<b>atlas</b>",
    "status": "Online",
    "capabilities": ["Shell"],
    "action_schemas": [],
    "max_concurrent": 2,
    "tags": {},
    "contexts": {},
    "bind_addresses": [],
    "shared_mounts": [],
    "presence_ms": 1_000,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # Nobody listens there: the first paint needs the database alone.
    return Settings.read({"UV_DATA": str(tmp_path), "UV_HUB": "hub", "REDIS_URL": "redis://127.0.0.1:1/0", "UV_LOG_LEVEL": "ERROR"})


@pytest.fixture
def database(settings: Settings) -> Iterator[sa.Engine]:
    engine = unit.connect(settings.database_url)
    migrations.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["tail"].stop()
    app.extensions["reader"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_examples_are_true() -> None:
    assert doctest.testmod(shown).failed == 0


def test_one_statement_for_each_part(database: sa.Engine, client: FlaskClient) -> None:
    with database.begin() as connection:
        connection.execute(sa.insert(beacon), {**BEACON, "registered_at": clock(), "last_contact_at": clock()})
    assert client.get("/").status_code == 200
    with recorded() as statements:
        body = client.get("/").text
    assert len(statements) == 5, "beacons, what they hold, counts, items, dead letters"
    assert "&lt;b&gt;atlas" in body
    assert "<b>atlas" not in body


def test_without_a_beacon_nobody_asks_what_beacons_hold(database: sa.Engine, client: FlaskClient) -> None:
    assert client.get("/?bucket=Errored").status_code == 200
    with recorded() as statements:
        client.get("/?bucket=no-such-bucket")
    assert len(statements) == 4


def test_dead_letters_are_pointed_to(database: sa.Engine, client: FlaskClient) -> None:
    assert 'href="/health#dead-letters" hidden' in client.get("/").text
    row = {
        "id": new_id(),
        "lane": "l",
        "command": "c",
        "actor": "a",
        "error": "e",
        "traceback": "t",
        "tries": 5,
        "envelope": "{}",
        "died_at": clock(),
    }
    with database.begin() as connection:
        connection.execute(sa.insert(dead_letter), row)
    body = client.get("/").text
    assert "1 dead letter<" in body
    assert 'href="/health#dead-letters" hidden' not in body


def test_a_hub_that_is_not_ready_says_what_is_missing(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "hub not ready" in response.text
    assert "hub_work_item" in response.text


@pytest.mark.parametrize(("host", "end"), [("127.0.0.1:54321", "Shell<"), ("localhost:8000", "Shell --server http://localhost:8000<")])
def test_the_hint_names_the_hub_where_a_beacon_would_not_find_it(database: sa.Engine, client: FlaskClient, host: str, end: str) -> None:
    assert f"<code>ultravisor beacon --provider {end}" in client.get("/", headers={"Host": host}).text


def test_nothing_in_the_page_is_inline(database: sa.Engine, client: FlaskClient) -> None:
    response = client.get("/", headers={"Host": "127.0.0.1:54321"})
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-cache"
    assert not any(mark in response.text for mark in ("style=", "<style", "onclick=", "http://", "https://"))


def test_assets_are_kept_under_the_address_of_their_content(client: FlaskClient) -> None:
    for name in ("css/base.css", "mark.svg", *assets.imported_by("js/home.js")):
        response = client.get(f"/static/{assets.digest()}/{name}")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        response.close()
    old = client.get("/static/0123456789abcdef/css/base.css")
    assert old.headers["Cache-Control"] == "no-cache"
    old.close()


def test_the_mark_is_where_browsers_look_for_it(client: FlaskClient) -> None:
    with client.get("/favicon.ico") as response:
        assert response.mimetype == "image/svg+xml"


@pytest.mark.parametrize("path", ["nothing.css", "../main.py", "%2e%2e/main.py", "css/../../main.py"])
def test_no_other_file_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{assets.digest()}/{path}").status_code == 404
