"""Processes that tests start, wait for, stop, freeze and kill."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that a test waits for another process before it calls it hung; a healthy one needs a fraction of it, also on a busy machine."""


class Process:
    """One command in a process group of its own, so that a signal reaches whatever it has started and Ctrl-C does not.

    Its output is read as it comes (a full pipe would stop it) and kept: `output` is what it has said since it was last started.
    """

    def __init__(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        ready: str | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self.user = user
        self.ready = ready
        self._running: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._heard = threading.Condition()

    @property
    def pid(self) -> int:
        assert self._running is not None, "not started"
        return self._running.pid

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def output(self) -> str:
        with self._heard:
            return "".join(self._lines)

    def start(self) -> Process:
        """Starts the command, and waits for its `ready` line if it has one."""
        assert not self.alive, "already running"
        self._lines = []
        self._running = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=self.env,
            user=self.user,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._running, self._lines), daemon=True)
        self._reader.start()
        if self.ready is not None:
            try:
                self.wait_for_line(self.ready)
            except BaseException:
                self.kill()
                raise
        return self

    def _read(self, running: subprocess.Popen[str], lines: list[str]) -> None:
        assert running.stdout is not None
        with running.stdout as stdout:
            for line in stdout:
                with self._heard:
                    lines.append(line)
                    self._heard.notify_all()
        running.wait()
        with self._heard:
            self._heard.notify_all()

    def wait_for_line(self, pattern: str, within: float = PATIENCE) -> re.Match[str]:
        """The first match of `pattern` in the output. Raises AssertionError, with the output, when the process ends or stays silent."""
        deadline = time.monotonic() + within
        with self._heard:
            while True:
                if found := re.search(pattern, "".join(self._lines), re.MULTILINE):
                    return found
                left = deadline - time.monotonic()
                if not self.alive or left <= 0:
                    said = "".join(self._lines[-50:])
                    raise AssertionError(f"{self.command[0]} {'hung' if self.alive else 'ended'} before it said {pattern!r}:\n{said}")
                self._heard.wait(left)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def pause(self) -> None:
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the group, at once and without a goodbye; returns when it is gone."""
        if self._running is not None:
            self.send(signal.SIGKILL)
            self.wait()

    def stop(self, within: float = PATIENCE, by: signal.Signals = signal.SIGTERM) -> int:
        """Asks the process to end and gives its exit code. Whatever is left of its group when time is up is killed, and that is an error."""
        if self._running is None:
            return 0
        if self.alive:
            # The leader alone: it is told to stop as an operator would tell it, and it is its job to stop its children.
            self._running.send_signal(by)
            self.resume()
        try:
            code = self._running.wait(within)
        except subprocess.TimeoutExpired as hung:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not stop within {within} s:\n{self.output[-4000:]}") from hung
        self.kill()
        return code

    def wait(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        assert self._running is not None, "not started"
        assert self._reader is not None
        code = self._running.wait(within)
        self._reader.join(within)
        return code


def free_port() -> int:
    """A TCP port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def eventually(question: Callable[[], T], within: float = PATIENCE, describe: str = "") -> T:
    """The first truthy answer to `question`. For states of another process that announce themselves to nobody, such as rows in a database;
    where there is an event to wait for (a line, an exit, a reply), wait for that.
    """
    never = threading.Event()
    deadline = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {within} s: {describe or question}, last answer {answer!r}"
        never.wait(0.02)
    return answer


def run(command: Sequence[str | Path], user: str | None = None, within: float = 2 * PATIENCE) -> str:
    """The output of a command that has to succeed."""
    result = subprocess.run(
        [str(part) for part in command],
        user=user,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=within,
        check=False,
    )
    assert result.returncode == 0, f"{command[0]} gave {result.returncode}:\n{result.stdout}"
    return result.stdout
