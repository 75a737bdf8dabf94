"""`python -m beacon` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.beacon.hub import Hub, item

ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(hub: Hub, tmp_path: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_BEACON_")} | {"PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "beacon", *arguments]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("arguments", [(), ("--provider", "Nothing"), ("--provider", "Shell", "--server", "hub"), ("--what",)])
def test_bad_settings_end_it_with_3_and_a_line(start: Start, arguments: tuple[str, ...]) -> None:
    process = start(*arguments)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 3
    assert said.startswith("beacon: ")
    assert said.count("\n") == 1


def test_it_works_and_sigterm_lets_running_work_end(hub: Hub, start: Start) -> None:
    process = start(
        "--server", hub.url, "--name", "Two", "--transport", "http", "--provider", "Shell", "--provider", "Synthetic", "--max-concurrent", "2"
    )
    hub.offer(item(1, "Shell", "Execute", Command="echo hi"), item(2, DurationMs=1_500))
    hub.wait(lambda: "wi-1" in hub.completed and hub.of("Progress"))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert (sorted(hub.completed), len(hub.of("Leave"))) == (["wi-1", "wi-2"], 1)
    words = [line.split()[3] for line in said.splitlines()]
    assert words == ["started", "registered", "item_reported", "stopping", "item_reported", "stopped"]


def test_a_second_signal_kills_what_runs(hub: Hub, start: Start, tmp_path: Path) -> None:
    process = start("--server", hub.url, "--provider", "Shell", "--grace-seconds", "600")
    hub.offer(item(1, "Shell", "Execute", Command=f"touch {tmp_path}/running; sleep 300"))
    hub.wait(lambda: hub.of("Heartbeat"))
    assert process.stderr
    process.send_signal(signal.SIGINT)
    while "stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert (hub.completed, hub.failed) == ({}, {})
    hub.wait(lambda: hub.of("Leave"))


def test_the_folder_needs_nothing_but_python(hub: Hub, start: Start) -> None:
    """Isolated mode without site packages, so that a third-party import would fail; and nothing of the hub's side is loaded."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import beacon.__main__; "
        "sys.exit(any(n.split('.')[0] in ('app', 'tasks', 'schema', 'ultravisor') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-I", "-S", "-c", script], check=False).returncode == 0
