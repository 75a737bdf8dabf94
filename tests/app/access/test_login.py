"""Logging in to a secured hub, and what a session is good for."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
import redis
from flask.testing import FlaskClient

from app import identities, passwords, throttle
from app.roster import ROSTER_SECONDS
from schema.access.commands import ChangeUser, DropToken, RemoveUser, RotateJoinSecret
from tests.app.access.conftest import HASH, JOIN, PASSWORD, House
from tests.services.processes import eventually


def try_login(client: FlaskClient, name: str, password: object, **more: object) -> dict[str, object]:
    answer = client.post("/1.0/Authenticate", json={"UserName": name, "Password": password}, **more)
    assert answer.status_code == 200, "the original always answers so, and its clients count on it"
    return dict(answer.get_json())


def test_a_login_has_the_shape_that_clients_know(house: House, transport: redis.Redis) -> None:
    client = house.stranger()
    assert client.get("/1.0/CheckSession").get_json() == {"LoggedIn": False}
    answer = client.post("/1.0/Authenticate", json={"username": "the-operator", "password": PASSWORD})
    body = answer.get_json()
    assert (body["LoggedIn"], body["UserRecord"]["LoginID"], body["UserRecord"]["Roles"]) == (True, "the-operator", ["operator"])
    assert body["UserID"] == body["UserRecord"]["IDUser"] > 0
    name, morsel = next(iter(SimpleCookie(answer.headers["Set-Cookie"]).items()))
    assert (name, morsel.value, morsel["samesite"], bool(morsel["httponly"])) == ("SessionID", body["SessionID"], "Lax", True)
    assert client.get("/1.0/CheckSession").get_json()["UserRecord"] == body["UserRecord"]
    assert client.get("/Beacon").status_code == 200
    assert not [key for key in transport.scan_iter() if body["SessionID"] in key], "the broker knows the digest alone"
    assert client.post("/1.0/Deauthenticate", json={}).get_json() == {"LoggedIn": False}
    client.set_cookie("SessionID", body["SessionID"])
    assert client.get("/Beacon").status_code == 401, "the session itself is over, not only the cookie"


def test_what_is_wrong_is_not_told(house: House) -> None:
    answers = [try_login(house.stranger(), *pair) for pair in (("the-admin", "wrong"), ("nobody", "wrong"), ("the-admin", ""), ("the-admin", 7))]
    assert answers == [{"LoggedIn": False, "Error": "Authentication failed."}] * 4


def test_over_tls_the_cookie_is_for_tls_alone(house: House) -> None:
    answer = house.stranger().post("https://localhost/1.0/Authenticate", json={"UserName": "the-admin", "Password": PASSWORD})
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_session_of_open_mode_opens_nothing(house: House, transport: redis.Redis) -> None:
    transport.hset(f"uv:session:{passwords.digest('from-before')}", mapping={"name": "the-admin", "since": "2025-01-01T00:00:00.000Z"})
    client = house.stranger()
    client.set_cookie("SessionID", "from-before")
    assert client.get("/Beacon").status_code == 401


def test_guessing_is_throttled_in_all_processes_and_the_owner_gets_in_from_elsewhere(house: House) -> None:
    for _ in range(throttle.MOST["both"]):
        assert try_login(house.stranger(), "the-admin", "guess")["Error"] == "Authentication failed."
    held = house.stranger().post("/1.0/Authenticate", json={"UserName": "the-admin", "Password": PASSWORD})
    assert held.get_json()["LoggedIn"] is False, "the right one is not even looked at"
    assert 0 < int(held.headers["Retry-After"]) <= throttle.WINDOW_SECONDS
    elsewhere = try_login(house.stranger(), "the-admin", PASSWORD, environ_base={"REMOTE_ADDR": "10.1.2.3"})
    assert elsewhere["LoggedIn"] is True
    assert try_login(house.stranger(), "the-reader", PASSWORD)["LoggedIn"] is True, "other names of the address are not held back yet"


def test_one_address_cannot_try_many_names(house: House, transport: redis.Redis) -> None:
    for number in range(throttle.MOST["address"]):
        try_login(house.stranger(), f"name-{number}", "guess")
    assert "RetryAfterSeconds" in try_login(house.stranger(), "the-reader", PASSWORD)
    for key in transport.scan_iter("uv:failures:*"):
        assert 0 < transport.ttl(key) <= throttle.WINDOW_SECONDS, "nothing is remembered for ever"


def test_a_lost_broker_means_log_in_again(house: House, transport: redis.Redis) -> None:
    client = house.login("the-reader")
    transport.flushall()
    assert client.get("/Beacon").status_code == 401
    assert house.login("the-reader").get("/Beacon").status_code == 200


def test_another_password_ends_all_sessions(house: House) -> None:
    client, other = house.login("the-reader"), house.login("the-reader")
    body = {"CurrentPassword": "not it", "NewPassword": "another password"}
    assert client.post("/1.0/Me/ChangePassword", json=body).status_code == 403
    assert client.post("/1.0/Me/ChangePassword", json={**body, "CurrentPassword": PASSWORD}).status_code == 200
    eventually(lambda: other.get("/Beacon").status_code == 401, within=ROSTER_SECONDS + 5)
    assert client.get("/Beacon").status_code == 401
    assert house.login("the-reader", "another password").get("/Beacon").status_code == 200
    assert try_login(house.stranger(), "the-reader", PASSWORD)["LoggedIn"] is False


def test_a_role_that_is_taken_away_is_gone_within_seconds(house: House) -> None:
    client = house.login("the-operator")
    (id,) = house.rows("SELECT id FROM access_user WHERE name = 'the-operator'")[0]
    assert client.post("/Beacon/Run/Start", json={}).status_code == 200
    house.do(ChangeUser(user_id=id, role="reader"))
    eventually(lambda: client.post("/Beacon/Run/Start", json={}).status_code == 403, within=ROSTER_SECONDS + 5)
    house.do(RemoveUser(user_id=id))
    eventually(lambda: client.get("/Beacon").status_code == 401, within=ROSTER_SECONDS + 5)
    assert try_login(house.stranger(), "the-operator", PASSWORD)["LoggedIn"] is False


def test_a_token_acts_for_its_user_and_never_more(house: House) -> None:
    reads = house.token("the-operator", "reader")
    assert house.stranger().get("/Beacon", headers=reads).status_code == 200
    assert house.stranger().post("/Beacon/Run/Start", json={}, headers=reads).status_code == 403
    operates = house.token("the-operator", "operator")
    assert house.stranger().post("/Beacon/Run/Start", json={}, headers=operates).status_code == 200
    (id,) = house.rows("SELECT id FROM access_user WHERE name = 'the-operator'")[0]
    house.do(ChangeUser(user_id=id, role="reader"))
    eventually(lambda: house.stranger().post("/Beacon/Run/Start", json={}, headers=operates).status_code == 403)
    house.do(DropToken(username="the-operator", token_name="for-reader"))
    eventually(lambda: house.stranger().get("/Beacon", headers=reads).status_code == 401)


def test_a_bad_token_is_not_made_up_for_by_a_cookie(house: House) -> None:
    assert house.login("the-admin").get("/Beacon", headers={"Authorization": "Bearer uvt_wrong"}).status_code == 401


def test_tokens_are_made_by_people_and_shown_once(house: House) -> None:
    client = house.login("the-operator")
    made = client.put("/1.0/Me/Token/ci", json={"Role": "operator", "ExpiresInSeconds": 3600})
    token = made.get_json()["Token"]
    assert made.headers["Cache-Control"] == "no-store"
    assert token.startswith("uvt_")
    header = {"Authorization": f"Bearer {token}"}
    assert house.stranger().get("/Beacon", headers=header).status_code == 200
    assert house.stranger().put("/1.0/Me/Token/more", json={}, headers=header).status_code == 403, "a token makes no tokens"
    listed = client.get("/1.0/Me/Tokens")
    assert [row["Name"] for row in listed.get_json()["Tokens"]] == ["ci"]
    assert token not in listed.text
    assert client.put("/1.0/Me/Token/root", json={"Role": "admin"}).status_code == 403
    again = client.put("/1.0/Me/Token/ci", json={}).get_json()["Token"]
    eventually(lambda: house.stranger().get("/Beacon", headers=header).status_code == 401)
    assert house.stranger().get("/Beacon", headers={"Authorization": f"Bearer {again}"}).status_code == 200
    assert client.delete("/1.0/Me/Token/ci").status_code == 200
    assert client.delete("/1.0/Me/Token/ci").status_code == 404


def test_another_sites_page_cannot_act_or_log_out(house: House) -> None:
    client = house.login("the-admin")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert client.post("/Beacon/Run/Start", json={}, headers=headers).status_code == 403
    assert client.get("/1.0/Deauthenticate", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/Beacon").status_code == 200


def test_a_browser_gets_the_page_to_log_in_on(house: House) -> None:
    answer = house.stranger().get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert 'action="/1.0/Authenticate"' in answer.text
    assert house.stranger().get("/", headers={"Accept": "*/*"}).mimetype == "application/json"
    home = house.login("the-reader").get("/", headers={"Accept": "text/html"})
    assert (home.status_code, "the-reader" in home.text, 'id="logout"' in home.text) == (200, True, True)


def test_the_status_says_how_to_get_in(house: House) -> None:
    told = house.stranger().get("/status").get_json()
    assert (told["AuthEnabled"], told["AuthMode"], told["SupportsUserManagement"]) == (True, "authenticated", True)


@pytest.mark.parametrize("secret", [None, "", "uvj_wrong", 7, JOIN.upper()])
def test_a_beacon_without_the_secret_does_not_join(secret: object, house: House) -> None:
    answer = house.stranger().post("/Beacon/Register", json={"Name": "one", "Capabilities": [], "JoinSecret": secret})
    assert answer.status_code == 401
    assert house.rows("SELECT count(*) FROM hub_beacon")[0][0] == 0


def test_a_beacon_speaks_for_itself_and_for_nobody_else(house: House) -> None:
    one, first = house.beacon("one")
    hash = house.login("the-operator").post("/Beacon/Work/Enqueue", json={"Capability": "Shell"}).get_json()["WorkItemHash"]
    assert one.post("/Beacon/Work/Poll", json={"BeaconID": first, "waitMs": 5_000}).get_json()["WorkItem"]["WorkItemHash"] == hash
    two, second = house.beacon("two")
    for body in ({}, {"BeaconID": first}, {"BeaconID": second}):
        assert two.post(f"/Beacon/Work/{hash}/Complete", json=body).status_code in (403, 409), body
    assert two.post("/Beacon/Work/Poll", json={"BeaconID": first}).status_code == 403
    assert two.post(f"/Beacon/{first}/Heartbeat", json={}).status_code == 403
    assert two.delete(f"/Beacon/{first}").status_code == 403
    assert two.post(f"/Beacon/Work/{hash}/Progress", json={}, headers={"X-Beacon-ID": first}).status_code == 403
    row = {"WorkItemHash": hash, "BeaconID": first}
    assert two.post("/Beacon/Work/Complete/Batch", json={"Items": [row]}).status_code == 403
    assert one.post(f"/Beacon/Work/{hash}/Complete", json={"Outputs": {}}).status_code == 200
    assert house.login("the-operator").delete(f"/Beacon/{second}").status_code == 200


def test_a_name_belongs_to_the_secret_that_took_it(house: House) -> None:
    _, id = house.beacon("one")
    assert house.beacon("one")[1] == id, "with the same secret it is the same beacon, back again"
    answer = house.stranger().post(
        "/Beacon/Register", json={"Name": "one", "Capabilities": [], "JoinSecret": passwords.JOIN_MARK + "a-secret-for-other-beacons"}
    )
    assert answer.status_code == 403
    assert house.login("the-operator").delete(f"/Beacon/{id}").status_code == 200
    assert house.beacon("one", passwords.JOIN_MARK + "a-secret-for-other-beacons")[1] == id, "an operator has let it go"


def test_a_beacon_logs_in_with_the_secret_as_its_password(house: House) -> None:
    client = house.login("one", JOIN)
    assert client.get("/1.0/CheckSession").get_json()["UserRecord"]["Roles"] == ["beacon"]
    assert client.post("/Beacon/Register", json={"Name": "one", "Capabilities": []}).status_code == 200


def test_a_lost_session_makes_a_beacon_register_again(house: House, transport: redis.Redis) -> None:
    client, id = house.beacon("one")
    assert client.post(f"/Beacon/{id}/Heartbeat", json={}).status_code == 200
    transport.flushall()
    assert client.post(f"/Beacon/{id}/Heartbeat", json={}).status_code == 401


def test_a_rotated_secret_is_good_until_its_grace_is_over(house: House) -> None:
    client, _ = house.beacon("one")
    fresh = passwords.fresh(passwords.JOIN_MARK)
    house.do(RotateJoinSecret(secret_name="default", digest=passwords.digest(fresh), grace_seconds=3_600))
    assert house.beacon("one")[1]
    house.beacon("one", fresh)
    house.do(RotateJoinSecret(secret_name="default", digest=passwords.digest(passwords.fresh(passwords.JOIN_MARK))))
    eventually(lambda: client.post("/Beacon/Work/Poll", json={"BeaconID": "x"}).status_code == 401)
    with house.app.app_context():
        eventually(lambda: identities.joined(JOIN, "one") is None and identities.joined(fresh, "one") is None)


def test_who_did_it_stands_in_the_audit(house: House) -> None:
    admin = house.login("the-admin")
    admin.post("/1.0/Users", json={"Username": "carol", "Password": "a long password", "Roles": ["reader"]})
    header = house.token("the-admin", "admin")
    house.stranger().put("/1.0/JoinSecret/lab", json={}, headers=header)
    house.worker.bury(id="letter")
    admin.delete("/api/dead-letters/letter", json={"Reason": "a test"})
    told = {(row[0], row[1], row[2]) for row in house.rows("SELECT actor, command, subject FROM ledger_audit")}
    assert ("user:the-admin", "access.add_user", "carol") in told
    assert ("token:the-admin/for-admin", "access.rotate_join_secret", "lab") in told
    assert ("user:the-admin", "ledger.discard", "letter") in told
    assert ("console:tests", "access.set_token", "the-admin/for-admin") in told
    assert HASH not in str(house.rows("SELECT details FROM ledger_audit"))
