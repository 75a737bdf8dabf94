"""A hub from its first start to its last moment."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import psutil
import pytest

from tests.services.fixtures import short_folder
from tests.services.processes import Process, eventually, listening
from tests.ultravisor.hubs import Hub


@pytest.fixture
def make_hub() -> Iterator[Callable[..., Hub]]:
    made: list[Hub] = []
    with short_folder() as folder:

        def make(name: str = "one", **settings: str) -> Hub:
            (folder / name).mkdir()
            made.append(Hub(folder / name, **settings))
            return made[-1]

        yield make
        for hub in made:
            hub.end()


def test_a_hub_starts_from_nothing_and_ends_without_a_trace(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub().start()
    assert f"Ultravisor is ready at http://127.0.0.1:{hub.port}" in hub.process.output
    assert stat.S_IMODE(hub.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((hub.data / "secret.key").stat().st_mode) == 0o600
    status = hub.status()
    assert (status["up"], status["pid"]) == (True, hub.process.pid)
    assert {row["name"] for row in status["processes"]} == {"up", "redis", "web", "worker", "gateway", "executor", "beat", "flower"}
    everybody = hub.pids()
    began = monotonic()
    assert hub.process.stop(within=15) == 0
    assert monotonic() - began < 10
    assert not [pid for pid in everybody if psutil.pid_exists(pid)]
    ended = re.findall(r"up +\| (\w+) ended$", hub.process.output, re.MULTILINE)
    assert ended == ["web", "executor", "beat", "flower", "worker", "gateway", "redis", "all"], hub.process.output
    assert hub.run("status")[0] == 3


def test_a_second_hub_on_the_same_folder_refuses_with_the_pid(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub().start()
    second = hub.another().start()
    assert second.wait() == 1
    assert f"with pid {hub.process.pid}. Stop it with: kill {hub.process.pid}" in second.output
    assert hub.status()["answers"] == {"/healthz": 200, "/readyz": 200}


def test_two_hubs_live_side_by_side(make_hub: Callable[..., Hub]) -> None:
    one, two = make_hub("one").start(), make_hub("two").start()
    assert one.status()["answers"] == two.status()["answers"] == {"/healthz": 200, "/readyz": 200}
    addresses = [hub.process.wait_for_line(r"Flower at (http://\S+)")[1] for hub in (one, two)]
    assert len(set(addresses)) == 2
    for address in addresses:
        port = int(address.rpartition(":")[2])
        eventually(lambda port=port: listening(port))
    assert one.process.stop(within=15) == 0
    assert two.status()["answers"] == {"/healthz": 200, "/readyz": 200}


def test_a_killed_hub_leaves_nothing_that_keeps_the_next_one_from_starting(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub().start()
    # Frozen, it ends by nobody's wish: the next start has to find it.
    stubborn = hub.leader("beat")
    os.kill(stubborn, signal.SIGSTOP)
    os.kill(hub.process.pid, signal.SIGKILL)
    eventually(lambda: hub.pids() == {stubborn})
    hub.process.wait()
    hub.start()
    assert "ended what an earlier run had left: beat" in hub.process.output
    assert not psutil.pid_exists(stubborn)


def test_a_taken_address_is_said_before_anything_starts(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub().start()
    other = make_hub("other", UV_ADDRESS=f"127.0.0.1:{hub.port}")
    process: Process = other.process.start()
    assert process.wait() == 1
    assert f"cannot serve on 127.0.0.1:{hub.port}: Address already in use" in process.output
    assert other.pids() == set()


def test_a_broker_that_does_not_answer_is_said(make_hub: Callable[..., Hub], tmp_path: Path) -> None:
    hub = make_hub(REDIS_URL=f"unix://{tmp_path}/nobody.sock", UV_FLOWER_ADDRESS="")
    hub.process.start()
    hub.process.wait_for_line("REDIS_URL does not answer: .* Nothing is accepted until it does")
    eventually(lambda: hub.status()["answers"] == {"/healthz": 200, "/readyz": 503})
    assert hub.run("doctor")[0] == 2


def test_a_bad_setting_ends_in_one_line(make_hub: Callable[..., Hub]) -> None:
    process = make_hub(UV_ADDRESS="0.0.0.0:1").process.start()
    assert process.wait() == 1
    assert process.output.count("\n") == 1
    assert "UV_ALLOW_OPEN" in process.output
