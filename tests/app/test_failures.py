"""Every failure has one body, `{"Error", "Code", "RequestID", ...}`, is JSON, and has stored nothing; on each route: test_every_route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.answers import Blueprint, outcome_of
from app.main import create_app
from schema.ledger.commands import DiscardDeadLetter
from schema.settings import Settings
from tests.app.failing import check, counts
from tests.app.worker import Worker
from tests.services.broker import RedisServer
from tests.services.processes import free_port


@pytest.fixture
def nothing_stored(idle: Worker, transport: redis.Redis) -> Iterator[None]:
    """Neither a row nor an entry nor a trace in the broker."""
    before = counts(idle)
    yield
    assert transport.dbsize() == 0
    assert counts(idle) == before


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
