"""Processes of a data folder, found by the mark that each of them carries in its environment, also when nobody supervises them any more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

#: Holds the data folder. Not a UV_ name: it is no setting.
MARK = "ULTRAVISOR_RUNS_ON"
#: Holds the service's name, as under `honcho start`.
NAME = "HONCHO_PROCESS_NAME"

#: Seconds that strays get to end by themselves.
GRACE_SECONDS = 3.0


def marks(data: Path, name: str) -> dict[str, str]:
    """What a service's environment must hold to be found again."""
    return {MARK: str(data), NAME: name}


def processes(data: Path) -> list[tuple[str, psutil.Process]]:
    """Every process of this folder with its service's name, this process apart."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):  # gone, or somebody else's
            continue
        if environment.get(MARK) == str(data) and process.pid != psutil.Process().pid:
            found.append((environment.get(NAME, "?"), process))
    return found


def end(data: Path, last: str) -> list[str]:
    """End what is left of an earlier run, the service `last` after all others, for they need it to end well. Returns what was ended."""
    found = processes(data)
    for group in ([p for name, p in found if name != last], [p for name, p in found if name == last]):
        _end(group)
    return sorted({name for name, _ in found})


def _end(group: list[psutil.Process]) -> None:
    for process in group:
        _send(process.terminate)
    _, stubborn = psutil.wait_procs(group, timeout=GRACE_SECONDS)
    for process in stubborn:
        _send(process.kill)
    psutil.wait_procs(stubborn, timeout=GRACE_SECONDS)


def _send(signal: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        signal()
