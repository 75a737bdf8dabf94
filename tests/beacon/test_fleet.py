"""Several beacons in one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beacon.hub import Hub

ROOT = Path(__file__).parents[2]
FLAGS = ["--transport", "http", "--provider", "Synthetic"]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def start(processes: list[subprocess.Popen[str]], *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_BEACON_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "beacon.fleet", *arguments]
    processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    return processes[-1]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[1]", '[["--what"]]', '[["--provider", "Nothing"]]', json.dumps([[*FLAGS, "--name", "a"], [*FLAGS, "--name", "a"]])]
)
def test_a_file_that_makes_no_sense_ends_it_with_3_and_a_line(text: str, tmp_path: Path, processes: list[subprocess.Popen[str]]) -> None:
    file = tmp_path / "fleet.json"
    file.write_text(text)
    process = start(processes, str(file))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.startswith("fleet: "), said.count("\n")) == (3, True, 1)


def test_no_file_ends_it_with_3(processes: list[subprocess.Popen[str]]) -> None:
    process = start(processes)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("fleet: one file is needed\n", 3)


def test_each_is_a_beacon_of_its_own_and_all_leave(hub: Hub, tmp_path: Path, processes: list[subprocess.Popen[str]]) -> None:
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps([[*FLAGS, "--server", hub.url, "--name", name, "--max-concurrent", "2"] for name in ("a", "b", "c")]))
    process = start(processes, str(file))
    hub.wait(lambda: len({polled.body["BeaconID"] for polled in hub.of("Poll")}) == 3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(hub.of("Leave")) == 3
