"""Descriptors over HTTP, on each engine."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from schema.ledger.tables import audit
from tests.app.gateway.conftest import served
from tests.app.worker import Databeacon
from tests.tasks.gateway.uv import UV, changed, with_column

ENGINES = pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)


def ask(client: FlaskClient, id: int, verb: str, descriptor: Any = UV, **more: Any) -> Any:
    headers = {"Prefer": "wait=60"}
    return client.post(f"/beacon/connection/{id}/schema/{verb}", json={"SchemaJSON": descriptor, **more}, headers=headers)


@ENGINES
def test_plan_ensure_and_look(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = served(client, target_url)
    plan = ask(client, id, "plan").json
    assert {step["Hazard"] for step in plan["Steps"]} == {"none"}
    before = ask(client, id, "introspect").json
    assert [table["Exists"] for table in before["Tables"]] == [False, False]
    done = ask(client, id, "ensure", PlanHash=plan["PlanHash"])
    assert done.status_code == 200, done.json
    assert [step["Statement"] for step in plan["Steps"]] == done.json["MigrationStatements"]
    assert sorted(done.json["TablesCreated"]) == ["UVManifest", "UVQueueWorkItem"]
    again = ask(client, id, "ensure").json
    assert (again["Success"], again["MigrationStatements"], again["SkippedDestructive"]) == (True, [], [])
    after = ask(client, id, "introspect", with_column(1, Colour="Text")).json
    assert [(table["Exists"], table["MissingColumns"]) for table in after["Tables"]] == [(True, []), (True, ["Colour"])]
    assert databeacon.count(audit) == 2, "the connection, and the one run that did something"


def test_a_plan_that_is_no_longer_true_is_not_carried_out(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = served(client, target_url)
    plan = ask(client, id, "plan").json
    ask(client, id, "ensure", changed("Tables", 1, to={}))
    refused = ask(client, id, "ensure", PlanHash=plan["PlanHash"])
    assert (refused.status_code, refused.json["Code"]) == (412, "stale")


def test_what_is_no_descriptor_or_no_live_connection_is_refused(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = served(client, target_url)
    assert ask(client, id, "ensure", {"Tables": 1}).json["Fields"] == {"SchemaJSON": ["SchemaJSON.Tables must be an array."]}
    assert ask(client, id, "ensure", "no json").status_code == 422
    assert ask(client, 9, "ensure").status_code == 404
    client.post(f"/beacon/connection/{id}/disconnect")
    idle = ask(client, id, "ensure")
    assert (idle.status_code, idle.json["Code"]) == (409, "not_connected")


@ENGINES
def test_a_column_that_was_added_is_served_at_once(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = served(client, target_url)
    ask(client, id, "ensure")
    client.post(f"/beacon/endpoint/{id}/UVManifest/enable")
    assert client.post("/1.0/orders/UVManifest", json={"Hash": "h"}).json["Hash"] == "h"
    ask(client, id, "ensure", with_column(1, Colour="String 20"))
    changed = client.put("/1.0/orders/UVManifest/ByKey/Hash/h", json={"Colour": "red", "ManifestJSON": {"a": [1, None]}})
    assert (changed.status_code, changed.json["Colour"], changed.json["ManifestJSON"]) == (200, "red", {"a": [1, None]}), changed.json
    assert client.put("/1.0/orders/UVManifest/Upsert", json={"Hash": "h", "Colour": "blue"}).json["Colour"] == "blue"
    assert client.get("/1.0/orders/UVManifests/Count").json == {"Count": 1}
