"""Whole hubs, as an operator starts them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.services.processes import PATIENCE, Process, free_port
from ultravisor.runtime import strays

PROGRAM = Path(sys.executable).with_name("ultravisor")
#: What an operator's own environment might bring along.
NONE_OF_OURS = {"REDIS_URL": "", "BROKER_URL": "", "DATABASE_URL": "", "DATABASE_READ_URL": "", "UV_SECRET_KEY": ""}


class Hub:
    """`ultravisor up` on a folder and a port of its own, called from a folder that has nothing to do with it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.environment = NONE_OF_OURS | {"UV_DATA": str(self.data), "UV_ADDRESS": f"127.0.0.1:{self.port}"} | settings
        self.elsewhere = folder
        self.process = self.another()

    def another(self) -> Process:
        """A second `up` on the same folder, not started."""
        return Process(PROGRAM, "up", env=self.environment, cwd=self.elsewhere)

    def start(self) -> Hub:
        self.process.start()
        self.process.wait_for_line("Ultravisor is ready at", within=4 * PATIENCE)
        return self

    def run(self, *arguments: str, within: float = 2 * PATIENCE) -> tuple[int, str]:
        """Exit code and output of a command about this hub."""
        result = subprocess.run(
            [PROGRAM, *arguments],
            env={**os.environ, **self.environment, "COLUMNS": "200"},
            cwd=self.elsewhere,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
            check=False,
        )
        return result.returncode, result.stdout

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json")[1])

    def pids(self, name: str = "") -> set[int]:
        """Processes of a service, or of all."""
        return {process.pid for found, process in strays.processes(self.data) if name in ("", found)}

    def leader(self, name: str) -> int:
        """The first process of a service: the one that `up` has started."""
        return min(self.pids(name))

    def end(self) -> None:
        """For the end of a test, whatever state it left: quickly, without the grace that parts get when the hub is told to stop."""
        self.process.kill()
        for _, process in strays.processes(self.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
