"""Users, the first admin, and that no secret is ever told."""

from __future__ import annotations

import pytest
from flask import Flask

from app import passwords
from schema.access.commands import OfferBootstrap
from schema.access.forms import UserWire
from schema.sql import metadata
from tests.app.access.conftest import CONSOLE, JOIN, PASSWORD, House
from tests.app.worker import Worker

SPEC = {"Username": "root", "Password": "a long password", "Roles": ["admin"], "FullName": "Ada Lovelace", "Email": "ada@example.org"}


def test_the_first_admin_is_made_once_and_with_the_token_alone(app: Flask, worker: Worker) -> None:
    client = app.test_client()
    assert client.post("/Beacon/BootstrapAdmin", json={"Token": "guess", "UserSpec": SPEC}).status_code == 403
    dispatch = app.extensions["dispatcher"].dispatch
    dispatch(OfferBootstrap(digest=passwords.digest("older")), actor=CONSOLE)
    assert dispatch(OfferBootstrap(digest=passwords.digest("token")), actor=CONSOLE).status == 200
    assert client.post("/Beacon/BootstrapAdmin", json={"Token": "older", "UserSpec": SPEC}).status_code == 403
    made = client.post("/Beacon/BootstrapAdmin", json={"Token": "token", "UserSpec": SPEC})
    assert (made.status_code, made.get_json()["Roles"], made.get_json()["NameLast"]) == (200, ["admin"], "Lovelace")
    assert client.post("/Beacon/BootstrapAdmin", json={"Token": "token", "UserSpec": {**SPEC, "Username": "two"}}).status_code == 409
    assert dispatch(OfferBootstrap(digest=passwords.digest("late")), actor=CONSOLE).status == 409
    assert client.post("/1.0/Authenticate", json={"UserName": "root", "Password": "a long password"}).get_json()["LoggedIn"] is True


def test_an_admin_looks_after_users(house: House) -> None:
    admin = house.login("the-admin")
    made = admin.post("/1.0/Users", json={"Username": "carol", "Password": "a long password", "Role": "reader"})
    assert made.status_code == 201
    id = made.get_json()["UserID"]
    assert admin.post("/1.0/Users", json={"Username": "carol", "Password": "a long password"}).status_code == 409
    assert admin.put(f"/1.0/User/{id}", json={"Role": "operator", "FullName": "Carol"}).get_json()["Roles"] == ["operator"]
    assert admin.get(f"/1.0/User/{id}").get_json()["FullName"] == "Carol"
    assert [row["LoginID"] for row in admin.get("/1.0/Users").get_json()] == ["the-reader", "the-operator", "the-admin", "carol"]
    first = admin.get("/1.0/Users?limit=2")
    rest = admin.get(f"/1.0/Users?limit=2&after={first.headers['X-Next-Cursor']}")
    assert [row["LoginID"] for row in rest.get_json()] == ["the-admin", "carol"]
    assert admin.post(f"/1.0/User/{id}/SetPassword", json={"NewPassword": "yet another one"}).status_code == 200
    house.login("carol", "yet another one")
    assert admin.delete(f"/1.0/User/{id}").status_code == 200
    assert admin.delete(f"/1.0/User/{id}").status_code == 404
    assert admin.post("/1.0/Users", json={"Username": "carol", "Password": "a long password"}).status_code == 409, "the audit knows one carol"
    for path in ("/1.0/User/none", "/1.0/User/99", "/1.0/User/" + "9" * 30):
        assert admin.get(path).status_code == 404
    assert admin.get("/1.0/Users").status_code == 200


def test_somebody_is_always_admin(house: House) -> None:
    admin = house.login("the-admin")
    (id,) = house.rows("SELECT id FROM access_user WHERE name = 'the-admin'")[0]
    assert admin.delete(f"/1.0/User/{id}").status_code == 409
    assert admin.put(f"/1.0/User/{id}", json={"Role": "reader"}).status_code == 409
    other = admin.post("/1.0/Users", json={"Username": "second", "Password": "a long password", "Role": "admin"}).get_json()["UserID"]
    assert house.login("second", "a long password").delete(f"/1.0/User/{id}").status_code == 200
    assert house.login("second", "a long password").put(f"/1.0/User/{other}", json={"Role": "operator"}).status_code == 409


def test_a_repeated_order_is_one_user_and_another_password_another_order(house: House) -> None:
    admin = house.login("the-admin")
    body = {"Username": "carol", "Password": "a long password"}
    answers = [admin.post("/1.0/Users", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    other = admin.post("/1.0/Users", json={**body, "Password": "a longer password"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.get_json()["Code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    "wrong",
    [
        {"Username": ""},
        {"Username": "a b"},
        {"Username": "-a"},
        {"Username": "x" * 129},
        {"Password": "short"},
        {"Password": "x" * 1025},
        {"Password": None},
        {"Role": "root"},
        {"Roles": []},
        {"Roles": ["admin", "reader"]},
        {"FullName": "x" * 257},
        {"Unknown": 1},
    ],
)
def test_a_user_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    good = {"Username": "carol", "Password": "a long password"}
    assert UserWire().validate(good) == {}
    assert UserWire().validate({**good, **wrong})


def test_no_secret_is_ever_told(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither by answers nor in rows, in the journal, in receipts, in events, in the log."""
    admin = house.login("the-admin")
    told = [admin.get_cookie("SessionID")]
    body = {"Username": "carol", "Password": "carols long password"}
    answers = [admin.post("/1.0/Users", json=body)]
    secrets = [PASSWORD, "carols long password", JOIN, "a wrong password"]
    for path in ("/1.0/Me/Token/ci", "/1.0/JoinSecret/lab"):
        made = admin.put(path, json={}).get_json()
        secrets.append(made.get("Token") or made["JoinSecret"])
    house.stranger().post("/1.0/Authenticate", json={"UserName": "the-admin", "Password": "a wrong password"})
    house.stranger().get("/Beacon", headers={"Authorization": f"Bearer {secrets[4]}"})
    client, _ = house.beacon("one", secrets[5])
    answers += [admin.get(path) for path in ("/1.0/Users", "/1.0/Me/Tokens", "/1.0/JoinSecrets", "/Beacon", "/Observer/History?since=now-1h")]
    answers += [admin.put("/1.0/JoinSecret/bad name", json={}), house.stranger().post("/Beacon/BootstrapAdmin", json={"Token": secrets[4]})]
    secrets += [str(cookie.value) for cookie in (*told, client.get_cookie("SessionID")) if cookie is not None]
    seen = "".join(answer.text for answer in answers) + "".join(capfd.readouterr())
    for table in metadata.sorted_tables:
        if not table.name.startswith("shelf"):
            seen += str(house.rows(f"SELECT * FROM {table.name}"))
    transport = house.worker.kernel.redis
    for key in transport.scan_iter():
        kind = transport.type(key)
        seen += repr(key) + repr(transport.dump(key))
        seen += repr(transport.xrange(key)) if kind == b"stream" else repr(transport.hgetall(key)) if kind == b"hash" else ""
    assert len(secrets) == 8
    assert [secret for secret in secrets if secret in seen] == []
    assert passwords.digest(secrets[4]) in seen, "the search looks where it should"
    hashes = [row[0] for row in house.rows("SELECT password_hash FROM access_user")]
    shown = (
        "".join(answer.text for answer in answers) + str(house.rows("SELECT * FROM ledger_audit")) + str(house.rows("SELECT * FROM ledger_receipt"))
    )
    assert [hash for hash in hashes if hash in shown] == []
    assert all(hash.startswith("$argon2id$") for hash in hashes)


def test_the_salt_of_a_repetition_is_the_same_and_of_another_user_another() -> None:
    same = [passwords.hashed("x" * 8, passwords.salt_of("user:a", "k", "carol")) for _ in range(2)]
    assert same[0] == same[1] != passwords.hashed("x" * 8, passwords.salt_of("user:a", "k", "dave"))
    assert passwords.hashed("x" * 8) != passwords.hashed("x" * 8)
    assert passwords.matches("x" * 8, same[0])
    assert not passwords.matches("y" * 8, same[0])
    assert not passwords.matches("x" * 8, None)
    assert not passwords.matches("x" * 8, "")
