"""Connections: known, tried, served, forgotten; and their secrets, which nobody ever sees again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from flask.testing import FlaskClient

from schema.gateway.tables import connection
from schema.ledger.tables import audit, order, receipt
from schema.settings import Settings
from tasks import vault
from tests.app.worker import Databeacon, Worker
from tests.services.processes import eventually
from tests.tasks.gateway.targets import config_of

SECRET = "correct horse battery staple"


def create(client: FlaskClient, url: str, name: str = "Orders", **more: Any) -> int:
    kind, config = config_of(url)
    response = client.post("/beacon/connection", json={"Name": name, "Type": kind, "Config": config, **more})
    assert response.status_code == 200, response.json
    return int(response.json["Connection"]["IDBeaconConnection"])


def test_a_connection_is_created_listed_edited_and_deleted(client: FlaskClient, worker: Worker, target_url: str) -> None:
    id = create(client, target_url, "Acme, Inc. / Prod", Description="of Acme")
    (listed,) = client.get("/beacon/connections").json["Connections"]
    assert (listed["IDBeaconConnection"], listed["RouteHash"], listed["Status"], listed["Connected"]) == (id, "acme-inc-prod", "Untested", False)
    assert client.put(f"/beacon/connection/{id}", json={"Name": "Acme"}).json["Connection"]["Name"] == "Acme"
    shown = client.get(f"/beacon/connection/{id}").json["Connection"]
    assert (shown["Name"], shown["RouteHash"], shown["Description"]) == ("Acme", "acme-inc-prod", "of Acme")
    assert client.delete(f"/beacon/connection/{id}").json == {"Success": True}
    gone = client.get(f"/beacon/connection/{id}")
    assert (gone.status_code, gone.json["Success"], gone.json["Error"]) == (404, False, "Connection not found")
    assert client.get("/beacon/connections").json == {"Count": 0, "Connections": []}


def test_two_names_with_one_path_are_a_conflict_until_the_first_is_deleted(client: FlaskClient, worker: Worker, target_url: str) -> None:
    id = create(client, target_url, "Acme Prod")
    kind, config = config_of(target_url)
    again = client.post("/beacon/connection", json={"Name": "acme / prod", "Type": kind, "Config": orjson.dumps(config).decode()})
    assert (again.status_code, again.json["Code"], again.json["IDBeaconConnection"]) == (409, "conflict", id)
    client.delete(f"/beacon/connection/{id}")
    assert create(client, target_url, "acme / prod") != id


def test_one_that_connects_by_itself_is_tried_once_and_nothing_is_owed(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = create(client, target_url, AutoConnect=True)
    eventually(lambda: client.get(f"/beacon/connection/{id}").json["Connection"]["Connected"])
    eventually(lambda: databeacon.count(order) == 0)


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)
def test_a_connection_is_tried_and_served(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = create(client, target_url)
    tested = client.post(f"/beacon/connection/{id}/test")
    assert (tested.status_code, tested.json) == (200, {"Success": True, "Status": "OK"})
    connected = client.post(f"/beacon/connection/{id}/connect")
    assert connected.json == {"Success": True, "Status": "Connected", "EndpointsRestored": 0}
    shown = client.get(f"/beacon/connection/{id}").json["Connection"]
    assert (shown["Status"], shown["Connected"], bool(shown["LastTestedDate"])) == ("Connected", True, True)
    assert client.post(f"/beacon/connection/{id}/disconnect").json == {"Success": True, "Status": "Disconnected"}
    shown = client.get(f"/beacon/connection/{id}").json["Connection"]
    assert (shown["Status"], shown["Connected"]) == ("Connected", False)


def test_a_database_that_does_not_answer_is_told_by_test_and_refused_by_connect(client: FlaskClient, databeacon: Databeacon) -> None:
    body = {"Name": "Away", "Type": "MySQL", "Config": {"host": "127.0.0.1", "port": 1, "user": "u", "password": SECRET, "database": "d"}}
    id = client.post("/beacon/connection", json=body).json["Connection"]["IDBeaconConnection"]
    tested = client.post(f"/beacon/connection/{id}/test")
    assert (tested.status_code, tested.json["Success"], tested.json["Status"]) == (200, False, "Failed")
    connected = client.post(f"/beacon/connection/{id}/connect")
    assert (connected.status_code, connected.json["Success"], connected.json["Code"]) == (502, False, "target_unavailable")
    shown = client.get(f"/beacon/connection/{id}").json["Connection"]
    assert (shown["Status"], shown["Connected"]) == ("Failed", False)
    assert SECRET not in tested.text + connected.text


def test_a_config_is_tried_without_being_stored(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    kind, config = config_of(target_url)
    assert client.post("/beacon/connection/test", json={"Type": kind, "Config": config}).json == {"Success": True}
    refused = client.post("/beacon/connection/test", json={"Type": kind, "Config": {"SQLiteFilePath": "/etc/passwd"}}).json
    assert refused["Success"] is False
    assert "UV_GATEWAY_FILES" in refused["Error"]
    assert client.post("/beacon/connection/test", json={}).json["Error"] == "Type is required"
    assert databeacon.count(connection) == 0


@pytest.mark.parametrize(
    "file",
    ["../ultravisor.db", "ultravisor.db", "/etc/passwd", "notes.txt", "../../etc/shadow.db"],
    ids=["above", "own", "absolute", "no-db", "away"],
)
def test_only_files_in_the_folders_of_the_operator_are_opened(client: FlaskClient, databeacon: Databeacon, file: str, tmp_path: Path) -> None:
    tried = client.post("/beacon/connection/test", json={"Type": "SQLite", "Config": {"SQLiteFilePath": file}})
    assert tried.json["Success"] is False, tried.json


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Type": "Oracle", "Config": {}}, 422),
        ({"Type": "SQLite", "Config": {}}, 422),
        ({"Type": "MySQL", "Config": {"host": "h", "database": "d", "port": "x"}}, 422),
        ({"Type": "MySQL", "Config": "no json"}, 422),
        ({"Type": "SQLite", "Config": {"SQLiteFilePath": "a.db"}, "Name": "***"}, 422),
        ({"Type": "SQLite", "Unknown": 1}, 422),
    ],
)
def test_what_makes_no_connection_is_refused(client: FlaskClient, worker: Worker, body: dict[str, Any], status: int) -> None:
    response = client.post("/beacon/connection", json=body)
    assert (response.status_code, response.json["Success"]) == (status, False)
    assert worker.count(connection) == 0


def test_a_secret_is_sealed_at_rest_and_appears_nowhere(
    client: FlaskClient, worker: Worker, transport: redis.Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"Name": "Vault", "Type": "MySQL", "Config": {"host": "h", "user": "u", "password": SECRET, "database": "d"}}
    made = client.post("/beacon/connection", json=body, headers={"Idempotency-Key": "once"})
    id = made.json["Connection"]["IDBeaconConnection"]
    assert orjson.loads(made.json["Connection"]["Config"])["password"] == "***"
    with worker.kernel.engine.connect() as control:
        row = control.execute(connection.select()).mappings().one()
        kept = str(control.execute(receipt.select()).all()) + str(control.execute(audit.select()).all()) + str(dict(row))
    assert vault.opened(settings, row["secrets"]) == {"password": SECRET}
    told = str(transport.xrange("uv:events:gateway")) + str(transport.xrange("uv:journal:connections/hub"))
    shown = client.get("/beacon/connections").text + client.get(f"/beacon/connection/{id}").text + made.text
    assert SECRET not in kept + told + shown + caplog.text
    again = client.post("/beacon/connection", json=body, headers={"Idempotency-Key": "once"})
    assert again.json == made.json, "another token of the same secret is the same request"
    body["Config"]["password"] = "another"  # type: ignore[index]  # it is the object from above
    assert client.post("/beacon/connection", json=body, headers={"Idempotency-Key": "once"}).json["Code"] == "key_reused"


def test_a_mask_keeps_the_stored_secret_and_only_for_the_same_place(client: FlaskClient, worker: Worker, settings: Settings) -> None:
    config = {"host": "h", "user": "u", "password": SECRET, "database": "d"}
    id = client.post("/beacon/connection", json={"Name": "V", "Type": "MySQL", "Config": config}).json["Connection"]["IDBeaconConnection"]
    kept = client.put(f"/beacon/connection/{id}", json={"Config": {**config, "password": "***", "database": "e"}})
    assert kept.status_code == 200
    lured = client.put(f"/beacon/connection/{id}", json={"Config": {**config, "password": "***", "host": "thief.example"}})
    assert (lured.status_code, lured.json["Code"]) == (422, "invalid")
    with worker.kernel.engine.connect() as control:
        row = control.execute(connection.select()).mappings().one()
    assert (row["config"]["database"], row["config"]["host"], row["revision"]) == ("e", "h", 2)
    assert vault.opened(settings, row["secrets"]) == {"password": SECRET}
    client.delete(f"/beacon/connection/{id}")
    with worker.kernel.engine.connect() as control:
        assert control.execute(connection.select()).mappings().one()["secrets"] == ""


def test_types_and_forms_are_told(client: FlaskClient, worker: Worker) -> None:
    types = {row["Type"]: row["Installed"] for row in client.get("/beacon/connection/available-types").json["Types"]}
    assert (types["SQLite"], types["PostgreSQL"], types["MySQL"], types["Oracle"]) == (True, True, True, False)
    forms = {form["Provider"]: form for form in client.get("/beacon/connection/schemas").json["Schemas"]}
    assert set(forms) == {"SQLite", "PostgreSQL", "MySQL", "MSSQL"}
    assert "password" in {field["Name"] for field in forms["MySQL"]["Fields"] if field["Type"] == "Password"}


def test_what_is_asked_of_a_connection_that_is_not_there_opens_no_lane(client: FlaskClient, worker: Worker, transport: redis.Redis) -> None:
    for path in ("connection/9/test", "connection/9/connect", "connection/9/introspect", "endpoint/9/T/enable"):
        assert client.post(f"/beacon/{path}", json={}).status_code == 404
    for verb in ("plan", "ensure", "introspect"):
        assert client.post(f"/beacon/connection/9/schema/{verb}", json={"SchemaJSON": {}}).status_code == 404
    assert transport.keys("uv:journal:*/9") == []
