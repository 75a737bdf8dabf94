"""A whole hub as an operator runs it (gunicorn, Celery worker, beat, Redis), on each engine, and those who talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.evidence import Row, Rows
from tests.app.sockets.client import Client
from tests.contracts.scripted_client import OverHttp
from tests.services.fixtures import short_folder
from tests.services.processes import eventually
from tests.ultravisor.hubs import Hub

ENGINES = ["sqlite", "postgresql"]
ENDED = ("Complete", "Error", "Canceled")


class Running(Hub):
    """A hub whose rows can be read by SQL alone."""

    def __init__(self, folder: Path, database: str, **settings: str) -> None:
        super().__init__(folder, UV_FLOWER_ADDRESS="", DATABASE_URL=database, **settings)
        self.rows = Rows(database or f"sqlite:///{self.data / 'ultravisor.db'}")

    def submitter(self) -> Submitter:
        return Submitter(self.port)

    def socket(self, path: str = "/", **options: Any) -> Client:
        return Client(self.port, path, **options)

    def row(self, hash: str) -> Row:
        return self.rows.all(f"SELECT * FROM hub_work_item WHERE work_item_hash = '{hash}'")[0]

    def events(self, hash: str) -> list[Row]:
        return self.rows.all(f"SELECT * FROM hub_work_event WHERE work_item_hash = '{hash}' ORDER BY seq")

    def attempts(self, hash: str) -> list[Row]:
        return self.rows.all(f"SELECT * FROM hub_work_attempt WHERE work_item_hash = '{hash}' ORDER BY attempt_number")


class Submitter(OverHttp):
    """Whoever brings work and looks at what becomes of it."""

    def enqueue(self, **fields: Any) -> str:
        status, answer = self.ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Shell", "Action": "Execute", **fields})
        assert status == 200, answer
        return str(answer["WorkItemHash"])

    def item(self, hash: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/Beacon/Work/{hash}")[1])

    def becomes(self, hash: str, *statuses: str) -> dict[str, Any]:
        """The item, once it is in one of these states."""
        return eventually(lambda: (item := self.item(hash))["Status"] in statuses and item, describe=f"{hash} becomes {statuses}")  # type: ignore[return-value]  # what is truthy is the item

    def register(self, name: str, *capabilities: str, **fields: Any) -> str:
        status, answer = self.ask("POST", "/Beacon/Register", {"Name": name, "Capabilities": list(capabilities), **fields})
        assert status == 200, answer
        return str(answer["BeaconID"])

    def poll(self, beacon_id: str) -> dict[str, Any] | None:
        status, answer = self.ask("POST", "/Beacon/Work/Poll", {"BeaconID": beacon_id})
        assert status == 200, answer
        return answer["WorkItem"]  # type: ignore[no-any-return]  # the answer is JSON

    def given(self, beacon_id: str) -> dict[str, Any]:
        """The next item for the beacon."""
        return eventually(lambda: self.poll(beacon_id))  # type: ignore[return-value]  # what is truthy is the item


@contextmanager
def database_of(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database; empty text is the hub's own file."""
    if engine == "sqlite":
        yield ""
        return
    server = request.getfixturevalue("postgresql_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(scope="module", params=ENGINES)
def real_hub(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One for all tests of a module."""
    with short_folder() as folder, database_of(request.param, request) as url:
        hub = Running(folder, url)
        try:
            yield hub.start()
        finally:
            hub.end()


@pytest.fixture(params=ENGINES)
def own_hub(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One that the test may break."""
    with short_folder() as folder, database_of(request.param, request) as url:
        hub = Running(folder, url)
        try:
            yield hub.start()
        finally:
            hub.end()
