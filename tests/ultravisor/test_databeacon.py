"""`ultravisor databeacon`, beside a whole hub."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schema.settings import Settings
from tests.services.fixtures import short_folder
from tests.services.processes import PATIENCE, Process, eventually
from tests.ultravisor.hubs import PROGRAM, Hub
from ultravisor import here


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with short_folder() as folder:
        hub = Hub(folder, UV_HUB="main", UV_GATEWAY_PROCESSES="1").start()
        yield hub
        hub.end()


@pytest.fixture(scope="module")
def settings(hub: Hub) -> Settings:
    return here.settings(hub.environment)


@pytest.fixture
def north(hub: Hub, settings: Settings) -> Iterator[Process]:
    """A databeacon on a host of its own: it knows the hub's addresses and key, and nothing else of it."""
    elsewhere = Path(hub.elsewhere, "elsewhere")
    environment = {
        **hub.environment,
        "UV_DATA": str(elsewhere),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "UV_SECRET_KEY": Path(hub.data, "secret.key").read_text().strip(),
        "UV_GATEWAY_FILES": str(elsewhere),
    }
    process = Process(PROGRAM, "databeacon", "--name", "north", "--processes", "1", env=environment, cwd=hub.elsewhere)
    process.start()
    yield process
    process.kill()


def ask(settings: Settings, path: str, body: Any = None) -> Any:
    status, answer = here.ask(settings, path, body, timeout=30)
    assert status == 200, answer
    return answer


def liveness(settings: Settings, name: str) -> str | None:
    found = [row["Liveness"] for row in ask(settings, "/Beacon") if row["Name"] == name]
    return found[0] if found else None


@pytest.mark.timeout(400)
def test_it_serves_its_connections_is_seen_and_is_missed(hub: Hub, settings: Settings, north: Process) -> None:
    eventually(lambda: liveness(settings, "north") == "Alive", 3 * PATIENCE)
    assert eventually(lambda: liveness(settings, "embedded") == "Alive")
    wish = {"Name": "North", "Type": "SQLite", "Config": {"SQLiteFilePath": "north.db"}, "Databeacon": "north"}
    id = ask(settings, "/beacon/connection", wish)["Connection"]["IDBeaconConnection"]
    eventually(lambda: here.ask(settings, f"/beacon/connection/{id}/connect", {}, timeout=30)[0] == 200, 2 * PATIENCE)
    assert (hub.elsewhere / "elsewhere" / "north.db").exists(), "opened on that host, and not on the hub's"
    listed = {record["Name"]: record for record in ask(settings, "/api/lab/beacons")["Records"]}
    assert listed["north"]["Liveness"] == "Alive"
    item = {"Capability": "DataBeaconAccess", "Action": "ListConnections", "AffinityKey": "north", "RequireAffinityMatch": True}
    hash = ask(settings, "/Beacon/Work/Enqueue", item)["WorkItemHash"]
    done = eventually(lambda: found if (found := ask(settings, f"/Beacon/Work/{hash}"))["Status"] == "Complete" else None)
    assert {row["Name"]: row["Databeacon"] for row in done["Result"]["Outputs"]["Connections"]}["North"] == "north"
    assert done["AssignedBeaconID"].startswith("bcn-north-")
    north.send(signal.SIGKILL)
    eventually(lambda: liveness(settings, "north") == "Dead", 2 * PATIENCE)
    assert {record["Name"]: record["Liveness"] for record in ask(settings, "/api/lab/beacons")["Records"]}["north"] == "Dead"
    assert liveness(settings, "embedded") == "Alive"


@pytest.mark.timeout(400)
def test_one_that_is_told_to_end_says_that_it_goes(settings: Settings, north: Process) -> None:
    eventually(lambda: liveness(settings, "north") == "Alive", 3 * PATIENCE)
    north.send(signal.SIGTERM)
    eventually(lambda: not north.alive, 2 * PATIENCE)
    eventually(lambda: liveness(settings, "north") == "Dead")


def test_it_needs_a_name(hub: Hub) -> None:
    code, said = hub.run("databeacon")
    assert (code, "--name" in said) == (1, True), said


def test_words_of_the_worker() -> None:
    from ultravisor.commands.databeacon import command

    words = command("north", 2)
    assert words[:3] == [sys.executable, "-m", "celery"]
    assert words[words.index("-n") + 1 : words.index("-n") + 4] == ["databeacon.north@%h", "-Q", "gateway"]
