"""Logging in, which in open mode everybody may and nobody must."""

from __future__ import annotations

from http.cookies import SimpleCookie

import redis
from flask.testing import FlaskClient

from tests.app.worker import Worker


def login(client: FlaskClient, **body: str) -> dict[str, object]:
    answer = client.post("/1.0/Authenticate", json=body)
    assert answer.status_code == 200
    return dict(answer.get_json())


def test_open_mode_lets_everybody_in_and_sets_the_cookie(client: FlaskClient, idle: Worker, transport: redis.Redis) -> None:
    answer = client.post("/1.0/Authenticate", json={"UserName": "beacon-worker", "Password": ""})
    body = answer.get_json()
    assert (body["LoggedIn"], body["UserRecord"]["LoginID"]) == (True, "beacon-worker")
    name, morsel = next(iter(SimpleCookie(answer.headers["Set-Cookie"]).items()))
    assert (name, morsel.value, morsel["path"], morsel["samesite"], bool(morsel["httponly"])) == ("SessionID", body["SessionID"], "/", "Lax", True)
    assert client.get("/1.0/CheckSession").get_json()["LoggedIn"] is True
    assert not [key for key in transport.scan_iter() if body["SessionID"] in key], "the broker knows the digest alone"
    assert 0 < transport.ttl(next(transport.scan_iter("uv:session:*"))) <= 86_400
    assert client.post("/1.0/Deauthenticate", json={}).get_json() == {"LoggedIn": False}
    assert client.get("/1.0/CheckSession").get_json() == {"LoggedIn": False}


def test_both_spellings_are_read_and_a_name_is_needed(client: FlaskClient, idle: Worker) -> None:
    assert login(client, username="a", password="b")["LoggedIn"] is True
    assert login(client)["LoggedIn"] is False


def test_credentials_in_an_address_are_refused(client: FlaskClient, idle: Worker) -> None:
    assert client.get("/1.0/Authenticate/a/b").status_code == 410


def test_a_lost_session_means_log_in_again_and_nothing_else(client: FlaskClient, idle: Worker, transport: redis.Redis) -> None:
    login(client, UserName="a")
    transport.flushall()
    assert client.get("/1.0/CheckSession").get_json() == {"LoggedIn": False}
    assert client.get("/Beacon").status_code == 200
    assert client.post("/1.0/Session/Context/x", json={}).get_json()["Switched"] is False


def test_the_session_tells_who_reports(client: FlaskClient, worker: Worker) -> None:
    body = {"Name": "One", "Capabilities": ["Shell"]}
    login(client, UserName="one")
    one = client.post("/Beacon/Register", json=body).get_json()
    assert one["SessionID"] is not None
    hash = client.post("/Beacon/Work/Enqueue", json={"Capability": "Shell"}).get_json()["WorkItemHash"]
    other = client.application.test_client()
    login(other, UserName="two")
    other.post("/Beacon/Register", json={**body, "Name": "Two"})
    assert other.post(f"/Beacon/Work/{hash}/Complete", json={"Outputs": {}}).status_code == 409
    assert client.post(f"/Beacon/Work/{hash}/Complete", json={"Outputs": {}}).status_code == 200
    cookie = client.get_cookie("SessionID")
    assert cookie is not None
    assert one["SessionID"] != cookie.value, "a reference, not the key"
