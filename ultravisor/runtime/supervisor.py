"""Keeps services running: starts again what dies, and ends all of them in order.

honcho's own manager ends everything when one process ends, which suits development; a hub has to outlive its parts.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from time import monotonic

from ultravisor.runtime.child import Child, Say, Service

#: A service that lived this long is started again at once; one that did not, after a pause that doubles.
STEADY_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0

#: Seconds after which what was killed is killed again.
KILLED_SECONDS = 1.0


def pause_after(lived: float, failures: int) -> float:
    """Seconds until the next start of a service that has now failed so many times in a row.

    >>> [pause_after(0.5, failures) for failures in (1, 2, 3, 9)]
    [0.1, 0.2, 0.4, 10.0]
    >>> pause_after(3600, 9)
    0.1
    """
    return FIRST_PAUSE if lived >= STEADY_SECONDS else min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)


class Supervisor:
    """Runs services until SIGTERM, SIGINT or SIGHUP, then is to be stopped; a second signal ends what is left without grace.

    `stages` name which services end together, first stage first: those that bring work before those that do it, the journal last.
    """

    def __init__(self, stages: Sequence[Sequence[str]], say: Say) -> None:
        self._stages, self._say = stages, say
        self._children: dict[str, Child] = {}
        self._failures: dict[str, int] = {}
        self._due: dict[str, tuple[float, Service]] = {}
        # A SimpleQueue may be put into by a signal handler, whatever the interrupted thread is doing.
        self._happenings: SimpleQueue[Child | int] = SimpleQueue()
        self._hurry = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                signal.signal(number, lambda number, _: self._happenings.put(number))

    def start(self, service: Service) -> None:
        """Start a service, and again whenever it ends."""
        child = self._children[service.name] = Child(service, self._say, self._happenings.put)
        self._tell(f"{service.name} started, pid {child.pid}")

    def run(self) -> None:
        """Until a signal comes."""
        while True:
            self._start_what_is_due()
            happening = self._next(min((at for at, _ in self._due.values()), default=None))
            if isinstance(happening, Child):
                self._restart_later(happening)
            elif happening is not None:
                self._tell(f"{signal.Signals(happening).name}: ending")
                return

    def stop(self) -> None:
        """End all services, stage after stage."""
        self._due.clear()
        began = monotonic()
        for stage in self._stages:
            children = [self._children[name] for name in stage if name in self._children and self._children[name].alive]
            for child in children:
                child.ask_to_end()
            for child in children:
                self._await_end(child, began + child.service.ends_within)
        self._tell("all ended")

    def _await_end(self, child: Child, patience: float) -> None:
        while child.alive:
            if self._hurry or monotonic() >= patience:
                self._tell(f"{child.service.name} is killed" + ("" if self._hurry else f": it did not end within {child.service.ends_within:g} s"))
                child.kill()
                patience = monotonic() + KILLED_SECONDS
            if isinstance(self._next(patience), int):
                self._hurry = True
        self._tell(f"{child.service.name} ended")

    def _restart_later(self, child: Child) -> None:
        name, lived = child.service.name, monotonic() - child.began
        self._failures[name] = 1 if lived >= STEADY_SECONDS else self._failures.get(name, 0) + 1
        pause = pause_after(lived, self._failures[name])
        self._due[name] = (monotonic() + pause, child.service)
        self._tell(f"{name} {_end_of(child)} after {lived:.1f} s; it starts again in {pause:g} s")

    def _start_what_is_due(self) -> None:
        for name, (at, service) in list(self._due.items()):
            if at <= monotonic():
                del self._due[name]
                self.start(service)

    def _next(self, until: float | None) -> Child | int | None:
        """What happens next, None when the time comes first."""
        try:
            return self._happenings.get(timeout=None if until is None else max(until - monotonic(), 0))
        except Empty:
            return None

    def _tell(self, text: str) -> None:
        self._say("up", text)


def _end_of(child: Child) -> str:
    assert child.code is not None
    return f"was ended by {signal.Signals(-child.code).name}" if child.code < 0 else f"ended with code {child.code}"
