"""Receipts and dead letters over HTTP."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.reading import recorded
from schema.ledger.tables import audit, dead_letter, order
from tests.app.worker import Worker


def test_dead_letters_are_paged_newest_first(client: FlaskClient, idle: Worker) -> None:
    letters = [idle.bury() for _ in range(5)][::-1]
    seen: list[str] = []
    address: str | None = "/api/dead-letters?limit=2"
    while address:
        page = client.get(address)
        assert isinstance(page.json, list)
        seen += [letter["DeadLetter"] for letter in page.json]
        link = re.fullmatch(r'<(.+)>; rel="next"', page.headers.get("Link", ""))
        address = link[1] if link else None
        assert (address is None) == ("X-Next-Cursor" not in page.headers)
        idle.bury()  # what comes meanwhile moves nothing
    assert seen == letters


def test_a_dead_letter_is_shown_without_its_envelope(client: FlaskClient, idle: Worker) -> None:
    id = idle.bury(error="ValueError: no", traceback="Traceback", envelope='{"secret": 1}')
    shown = client.get(f"/api/dead-letters/{id}")
    assert shown.json | {"DiedAt": ""} == {
        "DeadLetter": id,
        "Lane": "ledger",
        "Command": "ledger.discard",
        "Actor": "anonymous:",
        "Error": "ValueError: no",
        "Tries": 5,
        "DiedAt": "",
        "Traceback": "Traceback",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown.json["DiedAt"])
    assert "secret" not in shown.text


def test_a_dead_letter_is_replayed(client: FlaskClient, worker: Worker) -> None:
    envelope = '{"i":"0190","c":"ledger.retain","p":{},"a":"system:","t":1}'
    id = worker.bury(command="ledger.retain", envelope=envelope)
    done = client.post(f"/api/dead-letters/{id}/replay")
    assert (done.status_code, done.json) == (200, {"DeadLetter": id, "Command": "ledger.retain", "Lane": "ledger"})
    assert client.get(f"/api/dead-letters/{id}").status_code == 404
    assert client.post(f"/api/dead-letters/{id}/replay").json["Code"] == "not_found"
    worker.stop()
    worker.flush()
    assert worker.count(order) == 0


def test_a_dead_letter_is_discarded_with_a_reason(client: FlaskClient, worker: Worker) -> None:
    id = worker.bury()
    assert client.delete(f"/api/dead-letters/{id}", json={"Reason": "known"}).status_code == 200
    assert (worker.count(dead_letter), worker.count(audit)) == (0, 1)


def test_a_body_is_not_needed_for_delete(client: FlaskClient, worker: Worker) -> None:
    """The original's client sends `Content-Type: application/json` and nothing else."""
    id = worker.bury()
    assert client.delete(f"/api/dead-letters/{id}", headers={"Content-Type": "application/json"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/receipts/x", "/api/dead-letters/x"])
def test_what_is_unknown(path: str, client: FlaskClient, idle: Worker) -> None:
    assert client.get(path).json["Code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/receipts/x", "/api/dead-letters/x", "/api/dead-letters"])
def test_one_statement_is_enough(path: str, client: FlaskClient, idle: Worker) -> None:
    client.get(path)
    with recorded() as statements:
        client.get(path)
    assert len(statements) == 1, statements
