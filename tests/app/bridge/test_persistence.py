"""An operator picks a connection, watches the state, and finds every row of the hub there with a driver of his own."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.app.gateway.conftest import served
from tests.app.worker import Databeacon, Worker
from tests.services.processes import eventually
from tests.tasks.gateway.targets import config_of

ALL = pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)


def assign(client: FlaskClient, id: int, beacon: str | None = "embedded") -> Any:
    return client.post("/Ultravisor/Persistence/Assign", json={"BeaconID": beacon, "IDBeaconConnection": id})


def enqueue(client: FlaskClient, count: int) -> list[str]:
    item = {"Capability": "Shell", "Action": "Execute", "Settings": {"n": 1}}
    return [client.post("/Beacon/Work/Enqueue", json=item).json["WorkItemHash"] for _ in range(count)]


def state(client: FlaskClient) -> str:
    return str(client.get("/Ultravisor/Persistence/Status").json["State"])


@ALL
def test_the_whole_way_from_unassigned_to_rows_that_a_driver_reads(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    assert state(client) == "unassigned"
    before = enqueue(client, 3)
    id = served(client, target_url)
    made = assign(client, id)
    assert made.status_code == 200, made.json
    assert made.json["Queue"]["State"] == "waiting-for-beacon"
    assert made.json["Queue"]["IDBeaconConnection"] == id
    eventually(lambda: state(client) == "bootstrapped")
    after = enqueue(client, 2)
    eventually(lambda: client.get("/Ultravisor/Persistence/Status").json["Tables"].get("UVQueueWorkItem") == 5)
    engine = sa.create_engine(target_url)
    table = '"UVQueueWorkItem"' if "postgresql" in target_url else "UVQueueWorkItem"
    column = '"WorkItemHash"' if "postgresql" in target_url else "WorkItemHash"
    with engine.connect() as connection:
        assert sorted(connection.execute(sa.text(f"SELECT {column} FROM {table}")).scalars()) == sorted(before + after)
    engine.dispose()
    eventually(lambda: client.get("/Ultravisor/Persistence/Status").json["LagRows"] == 0)
    told = client.get("/Ultravisor/Persistence/Verify", headers={"Prefer": "wait=20"})
    assert (told.status_code, told.json["Equal"]) == (200, True), told.json
    moves = [event["Happening"] for event in client.get("/Ultravisor/Persistence/Events").json["Events"]]
    assert moves == ["ready", "begun", "assigned"]
    assert assign(client, 0, None).json["Queue"]["State"] == "unassigned"
    assert state(client) == "unassigned"


def test_what_cannot_be_assigned_is_refused_and_changes_nothing(client: FlaskClient, worker: Worker, target_url: str) -> None:
    assert assign(client, 7).status_code == 404
    assert assign(client, 0).status_code == 422
    assert client.post("/Ultravisor/Persistence/Assign", json={"BeaconID": 3}).status_code == 422
    kind, config = config_of(target_url)
    created = client.post("/beacon/connection", json={"Name": "far", "Type": kind, "Config": config, "Databeacon": "north"}).json
    refused = assign(client, created["Connection"]["IDBeaconConnection"])
    assert (refused.status_code, refused.json["BeaconID"]) == (409, "north")
    assert client.get("/Ultravisor/Persistence/Verify").status_code == 409
    assert client.post("/Ultravisor/Persistence/Retention/Sweep").status_code == 409
    assert state(client) == "unassigned"


def test_without_a_databeacon_the_hub_goes_on_and_tells_how_far_behind_the_rows_are(client: FlaskClient, worker: Worker, target_url: str) -> None:
    kind, config = config_of(target_url)
    id = client.post("/beacon/connection", json={"Name": "later", "Type": kind, "Config": config}).json["Connection"]["IDBeaconConnection"]
    assert assign(client, id).status_code == 200
    enqueue(client, 2)
    told = client.get("/Ultravisor/Persistence/Status").json
    assert (told["State"], told["LagRows"], told["Tables"]) == ("waiting-for-beacon", 4, {})
    assert told["LagSeconds"] >= 0


def test_retention_is_set_and_shown(client: FlaskClient, worker: Worker) -> None:
    changed = client.put("/Ultravisor/Persistence/Retention", json={"RetentionDays": 30})
    assert changed.json["Retention"] == {"RetentionDays": 30, "CancelledRetentionDays": 0, "LegalHold": False}
    client.put("/Ultravisor/Persistence/Retention", json={"LegalHold": True})
    assert client.get("/Ultravisor/Persistence/Status").json["Retention"] == {"RetentionDays": 30, "CancelledRetentionDays": 0, "LegalHold": True}
    assert client.put("/Ultravisor/Persistence/Retention", json={"RetentionDays": -1}).status_code == 422
