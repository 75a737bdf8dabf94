"""One process of the hub: its output, its end, and everything that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Thread
from time import monotonic

from ultravisor.runtime.places import PROJECT
from ultravisor.runtime.tether import tethered

#: Prints a line of a service's output.
Say = Callable[[str, bytes | str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """What runs under a name: a plain command as in the Procfile, with its environment.

    `ends_within`: seconds after the supervisor began to stop. `when_orphaned`: what it gets when the supervisor is killed.
    """

    name: str
    command: str
    environment: Mapping[str, str]
    ends_within: float
    when_orphaned: signal.Signals = signal.SIGTERM


class Child:
    """A running service, in a session of its own: the terminal's Ctrl-C reaches only us, and we decide in which order things end.

    To be made in the main thread: the kernel's promise to tell it of our death counts the death of the thread that made it.
    """

    def __init__(self, service: Service, say: Say, ended: Callable[[Child], None]) -> None:
        self.service = service
        self.began = monotonic()
        self.code: int | None = None
        self._say, self._ended = say, ended
        self._process = subprocess.Popen(
            tethered(["sh", "-c", f"exec {service.command}"], by=service.when_orphaned),
            cwd=PROJECT,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for work in (self._read, self._wait):
            Thread(target=work, name=f"{service.name}-{work.__name__}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self.code is None

    def ask_to_end(self) -> None:
        """The leader alone: it knows how to end those that it has started."""
        self._signal(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        """All of them, at once."""
        self._signal(os.killpg, signal.SIGKILL)

    def _signal(self, send: Callable[[int, int], None], number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(self.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._say(self.service.name, line)

    def _wait(self) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        # Nobody else can get its number before its exit code is fetched, so what it has left behind is hit and nothing else. A killed
        # web process leaves workers that hold the port.
        self.kill()
        self.code = self._process.wait()
        self._ended(self)
