"""Every exercise, on a whole hub, with a fleet of real beacons."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from tests.services.fixtures import short_folder
from tests.ultravisor.hubs import Hub
from ultravisor.exercises import plan

pytestmark = [pytest.mark.xdist_group("exercises"), pytest.mark.timeout(1_000)]

HUGE = "oe-huge-stress"
BEACONS = [name for name in plan.names() if name.startswith("be-")]
#: A busy machine may take its time: what is judged here is that everything ends, and ends well.
SLACK = ("--slack", "600")
OPERATIONS = [name for name in plan.names() if name.startswith("oe-") and name != HUGE]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with short_folder() as folder:
        hub = Hub(folder, UV_FLOWER_ADDRESS="").start()
        yield hub
        hub.end()


@pytest.mark.parametrize(("names", "scale"), [(BEACONS, "0.1"), (OPERATIONS, "0.1"), ([HUGE], "0.02")], ids=["beacons", "operations", "huge"])
def test_the_hub_is_up_to_it(hub: Hub, names: list[str], scale: str) -> None:
    code, output = hub.run("exercise", *names, "--time-scale", scale, *SLACK, "--json", within=900)
    assert code == 0, output
    told = json.loads(output[output.index("[\n") :])
    assert [each["Exercise"] for each in told] == names
    assert all(verdict["Passed"] for each in told for verdict in each["Verdicts"])
    assert all(each["Measured"]["NotBegun"] == 0 and each["Measured"]["EndToEndMs"]["p50"] > 0 for each in told)
    with sqlite3.connect(hub.data / "ultravisor.db") as connection:
        found = connection.execute("SELECT id, name, state, passed FROM runs_exercise").fetchall()
    connection.close()
    assert {(each["ID"], each["Exercise"], "Complete", 1) for each in told} <= set(found)


def test_nothing_of_it_is_left(hub: Hub) -> None:
    """After the fleets have gone: no beacon of theirs, no clone of an operation, no run under way."""
    code, output = hub.run("exercise", "oe-single-etl", "--time-scale", "0.1", *SLACK, within=300)
    assert code == 0, output
    with sqlite3.connect(hub.data / "ultravisor.db") as connection:
        (beacons,) = connection.execute("SELECT count(*) FROM hub_beacon WHERE name LIKE 'syn-%' AND status <> 'Deregistered'").fetchone()
        (clones,) = connection.execute("SELECT count(*) FROM runs_operation WHERE deleted_at IS NULL").fetchone()
        (open_runs,) = connection.execute("SELECT count(*) FROM runs_run WHERE stopped_at IS NULL").fetchone()
    connection.close()
    assert (beacons, clones, open_runs) == (0, 0, 0)
