"""Parts that most tests of the beacon need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Event, Lock
from typing import Any

import pytest

from beacon.context import WorkContext
from beacon.item import WorkItem
from beacon.program import Beacon
from beacon.providers import Action, Context, Outputs, Provider
from beacon.providers.synthetic import Synthetic
from beacon.settings import Settings
from tests.beacon.hub import Hub


class Gate:
    """A provider whose work lasts until the test opens the gate, or it is cancelled."""

    capability = "Gate"
    actions = (Action("Pass", "Waits."),)

    def __init__(self) -> None:
        self.open = Event()
        self.entered = Event()
        self.runs: list[Context] = []
        self._lock = Lock()

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        with self._lock:
            self.runs.append(context)
        self.entered.set()
        with context.broken_off_by(self.open.set):
            self.open.wait(30)
        context.check()
        return {"Result": action}


class Told:
    """Collects the progress of contexts that no beacon stands behind."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, _: WorkContext, body: dict[str, Any]) -> None:
        self.bodies.append(body)


class Heard(logging.Handler):
    """What the beacon logs; tests wait for a line without looking again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._changed = Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._changed:
            self.lines.append(record.getMessage())
            self._changed.notify_all()

    def wait(self, word: str, times: int = 1, seconds: float = 15) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: sum(word in line for line in self.lines) >= times, seconds), self.lines


MakeContext = Callable[..., WorkContext]
StartBeacon = Callable[..., Beacon]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def make_context(tmp_path: Path, told: Told) -> MakeContext:
    folder = tmp_path / "work"
    folder.mkdir()

    def make(timeout_ms: float = 30_000) -> WorkContext:
        return WorkContext(WorkItem("wi-1", 1, "Any", "Any", timeout_ms), folder, told)

    return make


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, logger = Heard(), logging.getLogger("beacon")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


@pytest.fixture
def start_beacon(hub: Hub) -> Iterator[StartBeacon]:
    started: list[Beacon] = []

    def start(*providers: Provider, **settings: Any) -> Beacon:
        chosen = Settings(**{"server_url": hub.url, "name": "One", "grace_seconds": 0, "transport": "http", "poll_wait_ms": 5_000, **settings})
        beacon = Beacon(chosen, {provider.capability: provider for provider in providers or (Synthetic(duration_ms=0),)})
        started.append(beacon)
        beacon.start()
        return beacon

    yield start
    for beacon in started:
        beacon.stop()
