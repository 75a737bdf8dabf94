"""The operator's database is killed and comes back, and so are those who write to it, while work goes on: at the end both sides are equal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.evidence import Rows
from bench.chaos.house import BEACONS, House, settings_for
from bench.chaos.plan import ACTION, CAPABILITY
from tests.services.databases import DatabaseServer, MariaDB, PostgreSQL, Unavailable
from tests.services.fixtures import missing, short_folder
from tests.services.processes import eventually
from tests.tasks.gateway.targets import config_of
from ultravisor import here

#: Seconds for each thing that is waited for; a healthy machine needs a few, and the mirror itself pauses up to 30 between two tries.
SOON = 120.0
#: Items that come before and after each blow.
EACH = 30
BLOWS = ["database", "gateway", "database frozen", "gateway child", "worker", "redis", "database", "web"]
#: Table there -> table here.
TABLES = {"UVQueueWorkItem": "hub_work_item", "UVQueueWorkItemAttempt": "hub_work_attempt", "UVQueueWorkItemEvent": "hub_work_event"}
STATUS = "/Ultravisor/Persistence/Status"


@pytest.fixture(params=[PostgreSQL, MariaDB], ids=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    """A server of this test's own, which it may kill."""
    with short_folder() as folder:
        try:
            server: DatabaseServer = request.param(folder)
        except Unavailable as reason:
            missing(str(reason))
        yield server
        server.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(settings_for(tmp_path / "hub"))
    house.start()
    wait(house, lambda: {one["Name"] for one in ask(house, "/Beacon")} >= set(BEACONS), "the beacons are there")
    yield house
    house.kill()


def ask(house: House, path: str, body: Any = None, key: str = "") -> Any:
    """The answer, empty when nobody gives one that is good."""
    try:
        status, told = here.ask(house.settings, path, body, key=key, timeout=8)
    except OSError:
        return {}
    return told if status == 200 else {}


def wait(house: House, question: Any, what: str) -> None:
    assert house.mind_until(question, SOON), f"not within {SOON:g} s: {what}; logs in {house.data / 'logs'}"


def known(house: House, url: str) -> int:
    """A connection to the database."""
    kind, config = config_of(url)
    body = {"Name": "theirs", "Type": kind, "Config": config}
    wait(house, lambda: ask(house, "/beacon/connection", body, key="connection"), "the connection is known")
    return named(house, "theirs")


def named(house: House, name: str) -> int:
    (id,) = [one["IDBeaconConnection"] for one in ask(house, "/beacon/connections")["Connections"] if one["Name"] == name]
    return int(id)


def choose(house: House, connection: int, key: str) -> None:
    """Have the hub's rows kept there from now on."""
    wanted = {"BeaconID": "embedded", "IDBeaconConnection": connection}
    wait(house, lambda: ask(house, "/Ultravisor/Persistence/Assign", wanted, key=key), "the connection is chosen")


def submit(house: House, name: str) -> None:
    """So many items, accepted."""
    item = {"Capability": CAPABILITY, "Action": ACTION, "MaxAttempts": 20}
    items = [{**item, "Settings": {"Key": f"{name}-{number}", "DurationMs": 20}} for number in range(EACH)]
    wait(house, lambda: ask(house, "/Beacon/Work/Enqueue/Batch", {"Items": items}, key=name), f"the items {name} are accepted")


def piles_up(house: House) -> None:
    wait(house, lambda: ask(house, STATUS).get("LagRows", 0) > 0, "rows wait for the database")


def blow(house: House, database: DatabaseServer, victim: str, name: str) -> None:
    """Hurt somebody while items come in, and have him back."""
    role, _, part = victim.partition(" ")
    if role != "database":
        wait(house, lambda: house.processes(role), f"{role} is there")
        family = house.processes(role)
        house.hurt(role, signal.SIGKILL, family[1:2] if part == "child" and len(family) > 1 else reversed(family))
        return submit(house, name)
    if part == "frozen":
        database.process.pause()
    else:
        database.process.kill()
    submit(house, name)
    piles_up(house)
    if part == "frozen":
        return database.process.resume()
    eventually(lambda: begun(database), within=60)
    return None


def begun(database: DatabaseServer) -> bool:
    try:
        database.process.start()
    except AssertionError:  # what the killed one has left behind is not gone yet
        return False
    return True


@pytest.mark.timeout(900)
def test_what_the_hub_holds_is_there_whoever_was_killed(house: House, database: DatabaseServer) -> None:
    url = database.create()
    mine, theirs = Rows(house.settings.database_url), Rows(url)
    choose(house, known(house, url), "assign")
    wait(house, lambda: ask(house, STATUS).get("State") == "bootstrapped", "the tables are made")
    for number, victim in enumerate(BLOWS):
        submit(house, f"before-{number}")
        blow(house, database, victim, f"after-{number}")
    wait(
        house, lambda: mine.number(f"SELECT count(*) AS n FROM hub_work_item WHERE capability = '{CAPABILITY}'") == 2 * EACH * len(BLOWS), "all came"
    )
    comes_to_rest(house, mine)
    same(house, mine, theirs)


@pytest.mark.timeout(900)
def test_a_hub_moves_to_another_database_and_back_while_work_goes_on(house: House, postgresql_url: str) -> None:
    mine = Rows(house.settings.database_url)
    wait(house, lambda: ask(house, "/beacon/connections").get("Connections"), "the hub's own file is known")
    other, file = known(house, postgresql_url), named(house, "local")
    for turn, connection in enumerate((file, other, file)):
        submit(house, f"before-{turn}")
        choose(house, connection, f"assign-{turn}")
        submit(house, f"after-{turn}")
    comes_to_rest(house, mine)
    same(house, mine, Rows(f"sqlite:///{house.data / 'databases' / 'local.db'}"))
    submit(house, "last")
    choose(house, other, "assign-last")
    comes_to_rest(house, mine)
    same(house, mine, Rows(postgresql_url))


def comes_to_rest(house: House, mine: Rows) -> None:
    wait(house, lambda: mine.in_flight() == 0, "all has ended")
    wait(house, lambda: settled(ask(house, STATUS)), "nothing waits for the database")


def same(house: House, mine: Rows, theirs: Rows) -> None:
    """Both sides hold the same, as their drivers tell it and as the hub does."""
    quote = "`" if theirs.engine == "mysql" else '"'
    for there, own in TABLES.items():
        assert theirs.number(f"SELECT count(*) AS n FROM {quote}{there}{quote}") == mine.number(f"SELECT count(*) AS n FROM {own}")
    columns = ", ".join(f"{quote}{name}{quote}" for name in ("WorkItemHash", "Status", "AttemptNumber"))
    kept = {tuple(row.values()) for row in theirs.all(f"SELECT {columns} FROM {quote}UVQueueWorkItem{quote}")}
    assert kept == {tuple(row.values()) for row in mine.all("SELECT work_item_hash, status, attempt_number FROM hub_work_item")}
    wait(house, lambda: ask(house, "/Ultravisor/Persistence/Verify").get("Equal"), "both sides are equal, row by row")


def settled(told: dict[str, Any]) -> bool:
    return (told.get("State"), told.get("LagRows")) == ("bootstrapped", 0)
