"""What sockets want changed, on its way into the journal: many commands in one journey, in the order in which they came.

One thread for all sockets. A command whose outcome nobody knows is sent again: reports may be repeated without harm, and the client
that sent one over a socket gets no answer and will not repeat it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import structlog

from app.dispatch import Dispatcher
from schema.base import Actor, Command
from schema.errors import OutcomeUnknown, Overloaded, UltravisorError
from schema.outcome import Outcome

log = structlog.get_logger()

#: Commands that go together.
TOGETHER = 200
#: Bytes that go together, and that may wait in all.
BYTES_TOGETHER = 8_000_000
BYTES_WAITING = 128_000_000
#: Seconds between tries while the broker is away, and after which a command is given up.
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 120.0

Told = Callable[[Outcome | UltravisorError], None]


@dataclass(slots=True)
class Letter:
    """A command, who wants it, and who hears what became of it (in the post's thread)."""

    command: Command
    actor: Actor
    told: Told
    size: int = 0
    since: float = field(default_factory=monotonic)


class Post:
    """Its thread begins with the first letter."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._waiting: deque[Letter] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, letter: Letter) -> None:
        """Send it. Never blocks; raises Overloaded when too much waits already."""
        with self._changed:
            if self._closed or self._bytes + letter.size > BYTES_WAITING:
                raise Overloaded
            self._waiting.append(letter)
            self._bytes += letter.size
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="post", daemon=True)
                self._thread.start()

    def close(self, seconds: float) -> None:
        """Take nothing more, and wait until what was taken is carried out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while batch := self._next():
            again = self._send(batch)
            with self._changed:
                self._waiting.extendleft(reversed(again))
                self._bytes -= sum(letter.size for letter in batch) - sum(letter.size for letter in again)
                if again:
                    self._changed.wait(PAUSE_SECONDS)

    def _next(self) -> list[Letter]:
        """The oldest letters of one lane; none when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[Letter] = []
            size = 0
            while self._waiting and len(batch) < TOGETHER and (not batch or size + self._waiting[0].size <= BYTES_TOGETHER):
                if batch and self._waiting[0].command.lane != batch[0].command.lane:
                    break
                size += self._waiting[0].size
                batch.append(self._waiting.popleft())
            return batch

    def _send(self, batch: list[Letter]) -> list[Letter]:
        """Tell each sender its outcome. Returns the letters that must be sent again."""
        found: list[Outcome | OutcomeUnknown] | list[UltravisorError]
        try:
            found = self._dispatcher.dispatch_many([letter.command for letter in batch], actor=[letter.actor for letter in batch])
        except UltravisorError as error:
            found = [error] * len(batch)
        except Exception as error:
            log.error("post_failed", exc_info=error)
            found = [UltravisorError()] * len(batch)
        again = []
        for letter, outcome in zip(batch, found, strict=True):
            if isinstance(outcome, UltravisorError) and outcome.code != "internal" and monotonic() - letter.since < PATIENCE_SECONDS:
                again.append(letter)
            else:
                letter.told(outcome)
        if again:
            log.warning("post_repeated", letters=len(again))
        return again
