"""The lab's addresses: this hub, its databeacons, their connections, and the choice between them."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.app.gateway.conftest import served
from tests.app.worker import Databeacon, Worker
from tests.services.processes import eventually
from tests.tasks.gateway.targets import config_of

HUB = "/api/lab/ultravisor-instances/1"


def test_the_choice_is_made_by_numbers_and_shown_with_names(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    id = served(client, target_url)
    (listed,) = client.get("/api/lab/ultravisor-instances").json["Records"]
    assert (listed["IDUltravisorInstance"], listed["Status"], listed["IDPersistenceBeacon"]) == (1, "running", 0)
    (beacon,) = client.get("/api/lab/beacons").json["Records"]
    assert (beacon["IDBeacon"], beacon["Name"], beacon["BeaconType"]) == (1, "embedded", "retold-databeacon")
    (connection,) = client.get("/api/lab/beacons/1/connections").json["Connections"]
    assert connection["IDBeaconConnection"] == id
    made = client.post(f"{HUB}/persistence-beacon", json={"IDBeacon": 1, "IDBeaconConnection": id})
    assert made.status_code == 200, made.json
    told = made.json["Persistence"]
    assert (told["IDPersistenceBeacon"], told["IDPersistenceConnection"]) == (1, id)
    assert (told["BeaconRecord"]["Name"], told["ConnectionRecord"]["Name"]) == ("embedded", "Orders")
    eventually(lambda: client.get(f"{HUB}/persistence-status").json["Persistence"]["State"] == "bootstrapped")
    assert client.get(HUB).json["Instance"]["IDPersistenceConnection"] == id
    cleared = client.post(f"{HUB}/persistence-beacon", json={"IDBeacon": None})
    assert cleared.json["Persistence"]["State"] == "unassigned"
    assert client.get(HUB).json["Instance"]["IDPersistenceBeacon"] == 0


def test_what_is_not_there_is_404_and_what_another_serves_409(client: FlaskClient, worker: Worker, target_url: str) -> None:
    kind, config = config_of(target_url)
    made = client.post("/beacon/connection", json={"Name": "far", "Type": kind, "Config": config, "Databeacon": "north"})
    id = made.json["Connection"]["IDBeaconConnection"]
    (_, north) = client.get("/api/lab/beacons").json["Records"]
    assert north["Name"] == "north"
    assert client.get(f"/api/lab/beacons/{north['IDBeacon']}").json["Beacon"] == north
    assert client.get(f"/api/lab/beacons/{north['IDBeacon']}/connections").json["Connections"][0]["IDBeaconConnection"] == id
    for path in ("/api/lab/ultravisor-instances/2", "/api/lab/beacons/99", "/api/lab/beacons/99/connections", "/api/lab/beacons/x"):
        assert client.get(path).status_code == 404, path
    choose = f"{HUB}/persistence-beacon"
    for number, body in (
        (404, {"IDBeacon": 99, "IDBeaconConnection": id}),
        (404, {"IDBeacon": 1, "IDBeaconConnection": 99}),
        (409, {"IDBeacon": 1, "IDBeaconConnection": id}),
        (422, {"IDBeacon": 1}),
        (422, {"IDBeacon": "one"}),
    ):
        assert client.post(choose, json=body).status_code == number, body
    assert client.post("/api/lab/ultravisor-instances/7/persistence-beacon", json={"IDBeacon": None}).status_code == 404
