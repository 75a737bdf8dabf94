"""Who else used the processor while we measured: without that, nobody can judge an absolute figure."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType

import psutil

from bench.figures import median


class Company:
    """Looks each second, while it is entered, how many cores are used by processes that are not ours."""

    def __init__(self) -> None:
        self._samples: list[float] = []
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="company", daemon=True)

    def __enter__(self) -> Company:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def told(self) -> str:
        """In words: the median of all seconds."""
        return f"{median(self._samples or [0.0]):.1f} of {os.cpu_count()} cores"

    def _watch(self) -> None:
        before = _busy(), _ours()
        while not self._stop.wait(1.0):
            now = _busy(), _ours()
            # Processes of ours that have ended meanwhile are missing from the second sum, so some of their last second counts as others'.
            ours = sum(max(0.0, seconds - before[1].get(pid, 0.0)) for pid, seconds in now[1].items())
            self._samples.append(max(0.0, now[0] - before[0] - ours))
            before = now


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))


def _ours() -> dict[int, float]:
    """Seconds of processor time by pid, of this process and all that it has started."""
    seconds = {}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    return seconds
