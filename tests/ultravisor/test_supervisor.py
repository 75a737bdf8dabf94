"""Services that are started again, and ended in order. Each test supervises in a process of its own, which it may kill."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.services.processes import Process, eventually
from ultravisor.runtime import strays
from ultravisor.runtime.supervisor import FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS, pause_after

SUPERVISE = """
import os, sys
from ultravisor.runtime.child import Service
from ultravisor.runtime.supervisor import Supervisor

def say(name, line):
    print(name, "|", (line if isinstance(line, str) else line.decode()).strip(), flush=True)

commands = dict(part.split("=", 1) for part in sys.argv[2:])
supervisor = Supervisor([stage.split(",") for stage in sys.argv[1].split(";")], say)
for name, command in commands.items():
    supervisor.start(Service(name, command, os.environ, 0.5))
supervisor.run()
supervisor.stop()
"""
#: Says when its handlers stand, ends on SIGTERM.
POLITE = "sh -c 'trap \"exit 0\" TERM; echo there; while :; do sleep 0.05; done'"
STUBBORN = "sh -c 'trap \"\" TERM; echo there; while :; do sleep 0.05; done'"


@pytest.fixture
def supervise(launch: Callable[..., Process]) -> Callable[..., Process]:
    def start(stages: str, **commands: str) -> Process:
        process = launch(sys.executable, "-c", SUPERVISE, stages, *(f"{name}={command}" for name, command in commands.items()))
        for name in commands:
            process.wait_for_line(rf"^{name} \| there")
        return process

    return start


def pids(process: Process, name: str) -> list[int]:
    return [int(pid) for pid in re.findall(rf"^up \| {name} started, pid (\d+)", process.output, re.MULTILINE)]


def test_a_killed_service_is_started_again(supervise: Callable[..., Process]) -> None:
    process = supervise("a", a=POLITE)
    os.kill(pids(process, "a")[0], signal.SIGKILL)
    process.wait_for_line(r"a was ended by SIGKILL .* starts again in 0.1 s")
    eventually(lambda: len(pids(process, "a")) == 2)
    assert psutil.pid_exists(pids(process, "a")[1])
    assert process.stop() == 0


def test_stages_end_one_after_the_other(supervise: Callable[..., Process]) -> None:
    process = supervise("a,b;c", c=POLITE, b=POLITE, a=POLITE)
    assert process.stop() == 0
    assert re.findall(r"^up \| (\w+) ended$", process.output, re.MULTILINE) == ["a", "b", "c", "all"]


def test_a_service_that_does_not_end_in_time_is_killed(supervise: Callable[..., Process]) -> None:
    process = supervise("a", a=STUBBORN)
    assert process.stop() == 0
    assert "a is killed: it did not end within 0.5 s" in process.output


def test_a_second_signal_ends_the_grace(supervise: Callable[..., Process]) -> None:
    process = supervise("a", a=STUBBORN)
    os.kill(process.pid, signal.SIGTERM)
    process.wait_for_line("SIGTERM: ending")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 0
    assert "a is killed\n" in process.output


def test_what_a_dead_service_has_left_behind_dies_with_it(supervise: Callable[..., Process]) -> None:
    process = supervise("a", a="sh -c 'sleep 1000 & echo left $!; echo there; wait'")
    left = int(process.wait_for_line(r"left (\d+)")[1])
    os.kill(pids(process, "a")[0], signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(left))
    assert process.stop() == 0


def test_services_end_when_their_supervisor_is_killed(supervise: Callable[..., Process]) -> None:
    process = supervise("a", a=POLITE)
    (pid,) = pids(process, "a")
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))


def test_a_service_that_cannot_live_is_tried_less_and_less_often() -> None:
    pauses = [pause_after(0.1, failures) for failures in range(1, 12)]
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert pause_after(STEADY_SECONDS, 50) == FIRST_PAUSE


def test_strays_of_a_folder_are_found_and_ended(launch: Callable[..., Process], tmp_path: Path) -> None:
    mine = launch("sh", "-c", STUBBORN, env=strays.marks(tmp_path / "mine", "worker"), ready="there")
    other = launch("sh", "-c", POLITE, env=strays.marks(tmp_path / "other", "worker"), ready="there")
    assert strays.end(tmp_path / "mine", last="redis") == ["worker"]
    assert not mine.alive
    assert other.alive
