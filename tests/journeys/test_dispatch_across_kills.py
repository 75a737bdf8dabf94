"""Callers that wait in Dispatch while a part of the hub is killed: never a wrong answer, and their key always leads to the one result."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from bench.chaos.evidence import Rows, of_json
from bench.chaos.house import BEACONS, House, settings_for
from bench.chaos.plan import ACTION, CAPABILITY
from ultravisor import here

#: Seconds for all of it; a healthy machine needs a few.
SOON = 90.0
CALLERS = 8
#: What a caller may be told before the result: try again.
PASSING = frozenset({"unavailable", "outcome_unknown", "overloaded", "not_ready", "no_beacon", "wait_over"})


@dataclass
class Caller:
    """Dispatches one item under its key until there is a result, as its contract tells it to."""

    address: tuple[str, int]
    key: str
    duration_ms: int = 1_500
    heard: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    result: dict[str, Any] | None = None

    def call(self) -> None:
        while self.result is None:
            status, body = self.ask()
            self.heard.append((status, body))
            if status == 200:
                self.result = body

    def ask(self) -> tuple[int, dict[str, Any]]:
        """Status 0: nobody answered, or the line was cut."""
        line = http.client.HTTPConnection(*self.address, timeout=15)
        wanted = {"Capability": CAPABILITY, "Action": ACTION, "Settings": {"Key": self.key, "DurationMs": self.duration_ms}, "TimeoutMs": 60_000}
        try:
            headers = {"Content-Type": "application/json", "Idempotency-Key": self.key}
            line.request("POST", "/Beacon/Work/Dispatch", orjson.dumps(wanted | {"Metadata": {"Key": self.key}}), headers)
            response = line.getresponse()
            return response.status, orjson.loads(response.read())
        except (OSError, http.client.HTTPException):
            return 0, {}
        finally:
            line.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    house = House(settings_for(tmp_path / "hub", database))
    house.start()
    wait(house, lambda: beacons_of(house) >= set(BEACONS), "both beacons are there")
    yield house
    house.kill()


def beacons_of(house: House) -> set[str]:
    try:
        status, beacons = here.ask(house.settings, "/Beacon", timeout=5)
    except OSError:
        return set()
    return {beacon["Name"] for beacon in beacons} if status == 200 else set()


def wait(house: House, question: Callable[[], object], what: str) -> None:
    assert house.mind_until(question, SOON), f"not within {SOON:g} s: {what}; logs in {house.data / 'logs'}"


def blow(house: House, victim: str) -> None:
    role, _, part = victim.partition(" ")
    if part == "emptied":
        with here.broker(house.settings) as client:
            client.flushall()
        return
    family = house.processes(role)
    house.hurt(role, signal.SIGKILL, family[1:2] if part == "child" else reversed(family))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["web", "web child", "worker", "worker child", "redis", "redis emptied", "beacon-1", "beacon-2"])
def test_a_caller_who_waits_gets_the_right_result_whoever_is_killed(house: House, victim: str) -> None:
    rows = Rows(house.settings.database_url)
    callers = [Caller(here.reachable(house.settings.address), f"dispatch-{number}") for number in range(CALLERS)]
    threads = [Thread(target=caller.call, daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    wait(house, lambda: rows.number("SELECT count(*) AS n FROM hub_work_item WHERE status = 'Running'") == CALLERS, "everybody's item is at work")
    blow(house, victim)
    wait(
        house,
        lambda: not any(thread.is_alive() for thread in threads),
        f"every caller is answered; they heard {[caller.heard for caller in callers]}",
    )
    for caller in callers:
        assert caller.result is not None
        assert (caller.result["Success"], caller.result["Outputs"]["Key"]) == (True, caller.key)
        strange = [told for told in caller.heard if told[0] not in (0, 200) and told[1].get("Code") not in PASSING]
        assert strange == []
        assert caller.ask() == (200, caller.result), "the key gives the same again"
    stored = rows.all("SELECT work_item_hash, status, metadata, result FROM hub_work_item")
    assert sorted(of_json(row["metadata"])["Key"] for row in stored) == sorted(caller.key for caller in callers)
    told = {caller.result["WorkItemHash"]: caller.result["Outputs"] for caller in callers if caller.result}
    assert {row["work_item_hash"]: of_json(row["result"])["Outputs"] for row in stored} == told
    assert rows.number("SELECT count(*) AS n FROM hub_work_attempt WHERE outcome = 'Complete'") == CALLERS
