"""What holds on each route that there is, whatever it does: bad requests get the one body of failures and store nothing, and each answer is JSON.

One app serves all of these tests, since none of them changes anything; making one for each would take longer than the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from schema import envelope as keys
from schema.settings import Settings
from tests.app.conftest import serving, working
from tests.app.failing import check, counts
from tests.app.routes import ENDING, ROUTES, UNSAFE, Route
from tests.app.worker import Worker
from tests.services.broker import RedisServer

JSON = {"Content-Type": "application/json"}
LARGE = 5_000
#: Where the body is a file, which may be anything.
FILES = re.compile(r"/Beacon/Work/[^/]+/Upload")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Settings:
    bounds = {"UV_MAX_BODY": str(LARGE - 1), "UV_MAX_RESULT": str(LARGE - 1)}
    data = str(tmp_path_factory.mktemp("every_route"))
    return Settings.read({"UV_DATA": data, "REDIS_URL": redis_server.url, "UV_HUB": "hub", "UV_LOG_LEVEL": "ERROR", **bounds})


@pytest.fixture(scope="module")
def idle(settings: Settings, migrated: Path) -> Iterator[Worker]:
    with working(settings, migrated) as worker:
        yield worker


@pytest.fixture(scope="module")
def app(settings: Settings, idle: Worker) -> Iterator[Flask]:
    with serving(settings) as app:
        yield app


@pytest.fixture
def client(app: Flask, redis_url: str) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def nothing_stored(idle: Worker, transport: redis.Redis) -> Iterator[None]:
    """Neither a row nor an entry nor a trace in the broker, but that somebody has asked."""
    before = counts(idle)
    yield
    assert set(transport.keys()) <= {keys.requests("hub")}
    assert counts(idle) == before


@pytest.mark.usefixtures("nothing_stored")
def test_unknown_addresses(client: FlaskClient) -> None:
    for path in ("/nothing", "/api/nothing", "/api", "/healthz/..", "/api/receipts/", "/%00", "/\N{SNOWMAN}"):
        check(client.get(path), 404, "not_found")
    check(client.post("/nothing", data="{", headers=JSON), 404, "not_found")


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
@pytest.mark.usefixtures("nothing_stored")
def test_wrong_methods(path: str, client: FlaskClient) -> None:
    allowed = {route.method for route in ROUTES if route.path == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - allowed:
        response = client.open(path, method=method)
        check(response, 405, "method_not_allowed")
        assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("route", [route for route in UNSAFE if not FILES.fullmatch(route.path)], ids=str)
@pytest.mark.usefixtures("nothing_stored")
def test_bad_bodies(route: Route, client: FlaskClient) -> None:
    def send(data: bytes, headers: dict[str, str] | None = None) -> TestResponse:
        return client.open(route.path, method=route.method, data=data, headers=JSON if headers is None else headers)

    for data in (b"{", b"nonsense", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe", b'"\\ud800"', b'{"a": "\\u0000"}', b"[" * 2_000):
        check(send(data), 400, "bad_json")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        check(send(b"{}", {"Content-Type": kind}), 415, "not_json")
    check(send(b'{"a": "%s"}' % (b"x" * LARGE)), 413, "too_large")


@pytest.mark.parametrize("route", UNSAFE, ids=str)
@pytest.mark.usefixtures("nothing_stored")
def test_bad_keys_and_preferences(route: Route, client: FlaskClient) -> None:
    for name, value in [
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "x" * 256),
        ("Idempotency-Key", "snow\xe9"),
        ("Idempotency-Key", "a\tb"),
        ("Prefer", "wait=61"),
        ("Prefer", "wait=-1"),
        ("Prefer", "wait=soon"),
        ("Prefer", "respond-async, wait=1.5"),
    ]:
        check(client.open(route.path, method=route.method, headers={name: value}), 400, "bad_request")


@pytest.mark.parametrize("route", ROUTES, ids=str)
@pytest.mark.usefixtures("nothing_stored")
def test_a_host_that_is_not_ours(route: Route, client: FlaskClient) -> None:
    response = client.open(route.path, method=route.method, headers={"Host": "rebound.example"})
    assert response.status_code == 403
    if route.method != "HEAD":
        check(response, 403, "foreign_host")


@pytest.mark.parametrize("route", UNSAFE, ids=str)
@pytest.mark.usefixtures("nothing_stored")
def test_another_origin(route: Route, client: FlaskClient) -> None:
    check(client.open(route.path, method=route.method, headers={"Origin": "https://elsewhere.example"}), 403, "cross_origin")


@pytest.mark.parametrize("route", ENDING, ids=str)
def test_whatever_a_route_answers_is_json(route: Route, client: FlaskClient) -> None:
    response = client.open(route.path, method=route.method, headers={"Prefer": "wait=0"})
    if route.method in ("HEAD", "OPTIONS") or response.status_code in (204, 304):
        assert response.data == b""
    elif response.mimetype not in ("text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml"):
        assert response.is_json
        assert response.json is not None or response.data == b"null"
        if response.status_code >= 400:
            check(response, response.status_code, response.json["Code"])


@pytest.mark.parametrize("route", [route for route in ENDING if route.method == "HEAD"], ids=str)
def test_head_is_get_without_a_body(route: Route, client: FlaskClient) -> None:
    head, get = client.head(route.path), client.get(route.path)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert head.mimetype == get.mimetype
