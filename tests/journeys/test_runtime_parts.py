"""One hub whose parts are killed and asked, one after the other."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from time import monotonic

import pytest
import redis

from schema.settings import Settings
from tests.services.fixtures import short_folder
from tests.services.processes import eventually
from tests.ultravisor.hubs import Hub
from ultravisor import here

pytestmark = pytest.mark.xdist_group("runtime_parts")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with short_folder() as folder:
        hub = Hub(folder).start()
        yield hub
        hub.end()


@pytest.fixture(scope="module")
def settings(hub: Hub) -> Settings:
    return here.settings(hub.environment)


def kill(hub: Hub, name: str) -> int:
    """SIGKILL to the service's first process. Gives the pid of the one that takes its place, at most 2 s later."""
    before, began = hub.leader(name), monotonic()
    os.kill(before, signal.SIGKILL)
    after = hub.process.wait_for_line(rf"{name} was ended by SIGKILL[\s\S]*{name} started, pid (?!{before}\b)(\d+)")[1]
    assert monotonic() - began < 2
    return int(after)


def ready(settings: Settings) -> bool:
    try:
        return here.ask(settings, "/readyz", timeout=2)[0] == 200
    except OSError:
        return False


def enqueue(settings: Settings) -> bool:
    """Whether a command goes all the way: accepted, carried out, committed."""
    try:
        return here.ask(settings, "/Beacon/Work/Enqueue", {"Capability": "Nobody"}, timeout=10)[0] < 300
    except OSError:
        return False


@pytest.mark.parametrize("name", ["web", "worker", "redis", "beat"])
def test_a_killed_part_comes_back(hub: Hub, settings: Settings, name: str) -> None:
    kill(hub, name)
    eventually(lambda: ready(settings))
    eventually(lambda: enqueue(settings))


def test_redis_comes_back_with_what_it_had(hub: Hub, settings: Settings) -> None:
    with here.broker(settings) as client:
        client.set("uv:test:mark", "kept")
    kill(hub, "redis")

    def mark() -> object:
        try:
            with here.broker(settings) as client:
                return client.get("uv:test:mark")
        except redis.RedisError:
            return None

    assert eventually(mark) == "kept"
    with here.broker(settings) as client:
        told = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": "", "port": "0"}
        assert {name: client.config_get(name)[name] for name in told} == told


def test_status_says_what_is_there(hub: Hub, settings: Settings) -> None:
    eventually(lambda: ready(settings))
    eventually(lambda: hub.status()["beacons_online"] == 1)  # the hub's own databeacon
    status = hub.status()
    assert (status["up"], status["pid"], status["address"]) == (True, hub.process.pid, f"http://127.0.0.1:{hub.port}")
    assert status["answers"] == {"/healthz": 200, "/readyz": 200}
    assert status["dead_letters"] == 0
    assert status["waiting"] is not None
    memory = {row["name"]: row["memory_mb"] for row in status["processes"]}
    assert memory.keys() == {"up", "redis", "web", "worker", "gateway", "executor", "beat", "flower"}
    assert all(size > 0 for size in memory.values())
    code, text = hub.run("status")
    assert code == 0
    assert f"up, pid {hub.process.pid}" in text


def test_the_doctor_finds_a_hub_in_health(hub: Hub, settings: Settings) -> None:
    def examined() -> str:
        # A warning about the disk of the machine that tests is no fault of the hub.
        code, text = hub.run("doctor")
        return text if code in (0, 1) else ""

    # What the other tests have killed may still be on its way back.
    text = eventually(examined, within=40)
    for subject in ("broker", "schema", "flush honesty", "broker clock", "lanes", "sweep", "queues", "versions"):
        assert re.search(rf"^(ok|warning) +{subject} ", text, re.MULTILINE), text


def test_the_doctor_finds_a_stopped_worker(hub: Hub, settings: Settings) -> None:
    eventually(lambda: enqueue(settings))
    worker = hub.pids("worker")
    for pid in worker:
        os.kill(pid, signal.SIGSTOP)
    try:
        rows = {row["subject"]: row for row in json.loads(hub.run("doctor", "--json")[1])}
    finally:
        for pid in worker:
            os.kill(pid, signal.SIGCONT)
    assert rows["queues"]["level"] == "problem"
    assert "flush" in rows["queues"]["seen"]


def test_the_demo_runs_on_this_hub(hub: Hub, settings: Settings) -> None:
    eventually(lambda: enqueue(settings))
    code, text = hub.run("demo", "--items", "40", within=100)
    assert code == 0, text
    assert f"Hub found at http://127.0.0.1:{hub.port}" in text
    assert re.search(r"work items +right[\s\S]*Complete +40\n", text)
    assert re.search(r"digest +right", text)
    assert f"sqlite3 -readonly {hub.data}/ultravisor.db" in text
