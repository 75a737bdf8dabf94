"""What sockets want changed, on its way into the journal: many commands in one journey, in the order in which they came.

Two threads for all sockets: while one waits for the outcomes of what it has sent, the other sends what has come since. They take turns at the
journal, so the order stays. A command whose outcome nobody knows is sent again: reports may be repeated without harm, and the client
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

#: Batches that may be on their way at once.
ROADS = 2

Told = Callable[[Outcome | UltravisorError], None]
Outcomes = Callable[[], list[Outcome | OutcomeUnknown]]


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
        #: Held by whoever takes letters, until the journal has them.
        self._turn = threading.Lock()
        self._threads: list[threading.Thread] = []

    def put(self, letter: Letter) -> None:
        """Send it. Never blocks; raises Overloaded when too much waits already."""
        with self._changed:
            if self._closed or self._bytes + letter.size > BYTES_WAITING:
                raise Overloaded
            self._waiting.append(letter)
            self._bytes += letter.size
            self._changed.notify_all()
            if not self._threads:
                self._threads = [threading.Thread(target=self._run, name=f"post-{road}", daemon=True) for road in range(ROADS)]
                for thread in self._threads:
                    thread.start()

    def close(self, seconds: float) -> None:
        """Take nothing more, and wait until what was taken is carried out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _run(self) -> None:
        while True:
            with self._turn:
                batch = self._next()
                if not batch:
                    return
                outcomes = self._begin(batch)
                # What did not even leave goes back before anybody else has a turn: nothing may overtake it.
                again = self._settle(batch, outcomes) if isinstance(outcomes, UltravisorError) else 0
            if not isinstance(outcomes, UltravisorError):
                again = self._settle(batch, self._heard(outcomes))
            if again:
                with self._changed:
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

    def _begin(self, batch: list[Letter]) -> Outcomes | UltravisorError:
        """Have the journal take the letters. Returns what waits for their outcomes, or why it took none."""
        try:
            return self._dispatcher.begin_many([letter.command for letter in batch], actor=[letter.actor for letter in batch])
        except UltravisorError as error:
            return error
        except Exception as error:
            log.error("post_failed", exc_info=error)
            return UltravisorError()

    def _heard(self, outcomes: Outcomes) -> list[Outcome | OutcomeUnknown] | UltravisorError:
        try:
            return outcomes()
        except Exception as error:
            log.error("post_failed", exc_info=error)
            return UltravisorError()

    def _settle(self, batch: list[Letter], found: list[Outcome | OutcomeUnknown] | UltravisorError) -> int:
        """Tell each sender its outcome, and put back what must be sent again. Returns how many that are."""
        again = []
        each = [found] * len(batch) if isinstance(found, UltravisorError) else found
        for letter, outcome in zip(batch, each, strict=True):
            if isinstance(outcome, UltravisorError) and outcome.code != "internal" and monotonic() - letter.since < PATIENCE_SECONDS:
                again.append(letter)
            else:
                letter.told(outcome)
        with self._changed:
            self._waiting.extendleft(reversed(again))
            self._bytes -= sum(letter.size for letter in batch) - sum(letter.size for letter in again)
        if again:
            log.warning("post_repeated", letters=len(again))
        return len(again)
