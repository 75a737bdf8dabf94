"""What a provider is told about the attempt it works on, and how it tells the hub."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

from beacon.files import ResultFile, wished
from beacon.item import WorkItem
from beacon.providers.contract import Cancelled, TimedOut

#: Lines of one attempt's log that are kept; the oldest go first, since the end tells why something failed.
LOG_LINES = 10_000


class WorkContext:
    """The running attempt. Implements `beacon.providers.Context`, whose docstrings are the promise to providers.

    The clock of the deadline starts here, on the beacon, when work begins; waiting in a queue does not count.
    """

    def __init__(self, item: WorkItem, folder: Path, publish: Callable[[WorkContext, dict[str, Any]], None]) -> None:
        self.item = item
        self.started = time.monotonic()
        self._parent = folder
        self._folder: Path | None = None
        self._publish = publish
        self._files: list[ResultFile] = []
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._cancelled = Event()
        self._lock = Lock()
        self._breakers: list[Callable[[], None]] = []

    @property
    def deadline(self) -> float | None:
        return self.started + self.item.timeout_ms / 1000 if self.item.timeout_ms else None

    def remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def work_folder(self) -> Path:
        if self._folder is None:
            # Recognisable by its hash, unique by what mkdtemp adds.
            readable = re.sub(r"[^A-Za-z0-9_-]", "-", self.item.hash)[:60]
            self._folder = Path(tempfile.mkdtemp(prefix=f"work-{readable}-", dir=self._parent))
        return self._folder

    def log(self, line: str) -> None:
        self._log.append(line)

    def attach(self, path: Path | str, name: str = "", content_type: str = "") -> None:
        self._files.append(ResultFile.of(Path(path), name, content_type))

    def progress(self, percent: float, message: str = "", step: int | None = None, total_steps: int | None = None, log: Iterable[str] = ()) -> None:
        body = {"Percent": percent, "Message": message, "Step": step, "TotalSteps": total_steps, "Log": list(log)}
        self._publish(self, {name: value for name, value in body.items() if value is not None})

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        self.pause(0)

    def pause(self, seconds: float) -> None:
        left = self.remaining()
        self._cancelled.wait(seconds if left is None else min(seconds, left))
        if self._cancelled.is_set():
            raise Cancelled
        if left is not None and left <= seconds:
            raise TimedOut(f"Not done after {self.item.timeout_ms:g} ms (TimeoutMs).")

    @contextmanager
    def broken_off_by(self, breaker: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._breakers.append(breaker)
            late = self._cancelled.is_set()
        if late:
            breaker()
        try:
            yield
        finally:
            with self._lock:
                self._breakers.remove(breaker)

    # What follows is for the beacon and not part of what providers see.

    def cancel(self) -> None:
        """The attempt is to end: `cancelled()` is true from now on and each breaker is called in the caller's thread."""
        with self._lock:
            self._cancelled.set()
            breakers = list(self._breakers)
        for breaker in breakers:
            breaker()

    def files(self, outputs: dict[str, Any]) -> list[ResultFile]:
        """What goes to the hub before the result: what was attached, and what the item's settings ask for."""
        asked = None if self._folder is None else wished(self.item.settings, outputs, self._folder)
        known = {file.name for file in self._files}
        return [*self._files, *([asked] if asked is not None and asked.name not in known else [])]

    def lines(self) -> list[str]:
        return list(self._log)

    def clean_up(self) -> None:
        """The work folder goes, whatever it holds; what cannot be removed is left behind rather than failing finished work."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
