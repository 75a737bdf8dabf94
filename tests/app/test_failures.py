"""Every failure has one body, `{"Error", "Code", "RequestID", ...}`, is JSON, and has stored nothing. Proved on each route that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.answers import Blueprint, outcome_of
from app.main import create_app
from schema.errors import CODES
from schema.ledger.commands import DiscardDeadLetter
from schema.settings import Settings
from tests.app.routes import ENDING, ROUTES, UNSAFE, Route
from tests.app.worker import Worker
from tests.services.broker import RedisServer
from tests.services.processes import free_port

JSON = {"Content-Type": "application/json"}
LARGE = 5_000
#: Where the body is a file, which may be anything.
FILES = re.compile(r"/Beacon/Work/[^/]+/Upload")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "UV_MAX_BODY": str(LARGE - 1), "UV_MAX_RESULT": str(LARGE - 1)}


@pytest.fixture
def nothing_stored(idle: Worker, transport: redis.Redis) -> Iterator[None]:
    """Neither a row nor an entry nor a trace in the broker."""
    before = {table: idle.count(table) for table in tables()}
    yield
    assert transport.dbsize() == 0
    assert {table: idle.count(table) for table in tables()} == before


def tables() -> list[Any]:
    from schema.sql import metadata

    return [table for table in metadata.sorted_tables if not table.name.startswith("shelf")]


def check(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The one shape."""
    body = response.json
    assert (response.status_code, body["Code"]) == (status, code), body
    assert response.mimetype == "application/json"
    assert body["RequestID"] == response.headers["X-Request-ID"]
    assert body["Error"]
    assert CODES[code][0] == status
    return dict(body)


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


@pytest.mark.usefixtures("nothing_stored")
def test_wrong_fields_are_named_by_path(client: FlaskClient) -> None:
    body = check(client.delete("/api/dead-letters/x", json={"Reason": 7, "Other": 1}), 422, "invalid")
    assert body["Fields"] == {"Reason": ["Not a valid string."], "Other": ["Unknown field."]}
    body = check(client.delete("/api/dead-letters/x", json=[1]), 422, "invalid")
    assert body["Fields"] == {"*": ["Invalid input type."]}
    body = check(client.get("/api/dead-letters?limit=many&after=@"), 422, "invalid")
    assert set(body["Fields"]) == {"limit", "after"}


def test_a_broker_that_is_down(app: Flask, client: FlaskClient, idle: Worker, redis_server: RedisServer) -> None:
    idle.bury()
    redis_server.kill()
    response = client.delete("/api/dead-letters/x")
    check(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert check(client.get("/readyz"), 503, "not_ready")["Missing"] == ["broker"]
    check(client.get("/api/events?topics=queue"), 503, "unavailable")
    assert len(client.get("/api/dead-letters").json) == 1, "what can be read is read"
    redis_server.start()
    assert client.get("/readyz").status_code == 200


def test_a_broker_that_is_down_at_the_start(settings: Settings, idle: Worker) -> None:
    nowhere = Settings.read({"UV_DATA": settings.data, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    client = create_app(nowhere).test_client()
    check(client.delete("/api/dead-letters/x"), 503, "unavailable")
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/dead-letters").json == []


def test_a_database_that_is_incomplete(client: FlaskClient) -> None:
    for path in ("/readyz", "/api/dead-letters", "/api/receipts/x"):
        response = client.get(path)
        body = check(response, 503, "not_ready")
        assert {"ledger_receipt", "ledger_dead_letter"} <= set(body["Missing"])
        assert int(response.headers["Retry-After"]) >= 1


def test_a_mistake_of_ours(settings: Settings, idle: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    app = create_app(settings)

    @app.route("/mistake", methods=["GET"])
    def mistake() -> str:
        raise RuntimeError("the secret of the house")

    body = check(app.test_client().get("/mistake", headers={"X-Request-ID": "mine-1"}), 500, "internal")
    assert "secret" not in str(body)
    said = capsys.readouterr().out
    assert "request_failed" in said
    assert "mine-1" in said
    assert "the secret of the house" in said


def test_an_order_without_an_answer_in_time(client: FlaskClient, idle: Worker) -> None:
    response = client.delete("/api/dead-letters/x", headers={"Prefer": "wait=0", "Idempotency-Key": "mine"})
    body = check(response, 503, "outcome_unknown")
    assert body["IdempotencyKey"] == "mine"
    assert body["Receipt"].startswith("/api/receipts/")


@pytest.mark.parametrize("route", ENDING, ids=str)
def test_whatever_a_route_answers_is_json(route: Route, client: FlaskClient, idle: Worker) -> None:
    response = client.open(route.path, method=route.method, headers={"Prefer": "wait=0"})
    if route.method in ("HEAD", "OPTIONS") or response.status_code in (204, 304):
        assert response.data == b""
    elif response.mimetype not in ("text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml"):
        assert response.is_json
        assert response.json is not None or response.data == b"null"
        if response.status_code >= 400:
            check(response, response.status_code, response.json["Code"])


@pytest.mark.parametrize("route", [route for route in ENDING if route.method == "HEAD"], ids=str)
def test_head_is_get_without_a_body(route: Route, client: FlaskClient, idle: Worker) -> None:
    head, get = client.head(route.path), client.get(route.path)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert head.mimetype == get.mimetype


def test_a_key_reused_for_another_request(client: FlaskClient, worker: Worker) -> None:
    key = {"Idempotency-Key": "k"}
    check(client.delete("/api/dead-letters/a", headers=key), 404, "not_found")
    check(client.delete("/api/dead-letters/b", headers=key), 422, "key_reused")


def test_outcomes_can_be_shown_otherwise(settings: Settings, worker: Worker) -> None:
    """`outcome_of` is `carry_out` for those who show something else."""
    app = create_app(settings)

    @app.route("/other", methods=["POST"])
    def other() -> dict[str, int]:
        return {"Status": outcome_of(DiscardDeadLetter(dead_letter="x")).status}

    assert app.test_client().post("/other").json == {"Status": 404}


def test_a_blueprint_with_other_rules_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import flask_smorest

    monkeypatch.setattr("app.main.BLUEPRINTS", (flask_smorest.Blueprint("foreign", __name__),))
    with pytest.raises(TypeError, match=r"no blueprint of app\.asking"):
        create_app(settings)
    assert issubclass(Blueprint, flask_smorest.Blueprint)
