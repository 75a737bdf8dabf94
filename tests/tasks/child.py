"""A worker process that a test may kill or freeze: flushes whatever waits, once for each group, and ends.

Arguments: the database, the broker and, where it is to freeze, the crash point at which it does.
"""

from __future__ import annotations

import os
import signal
import sys

from tasks import crash, journal, streams, unit
from tests.tasks.rig import kernel_on


def say(text: str) -> None:
    """To the test, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def freeze_at(place: str) -> None:
    """Stop at the first visit of this crash point, until somebody wakes us."""
    visits = iter([signal.SIGSTOP])

    def stop(visited: str) -> None:
        if visited == place and (number := next(visits, None)):
            say(f"frozen at {place}")
            os.kill(os.getpid(), number)

    assert place in crash.POINTS
    journal.crash_point = stop


def main(database_url: str, redis_url: str, place: str = "") -> None:
    if place:
        freeze_at(place)
        unit.IDLE_MS = 1_000  # what a test can wait for
    kernel, _ = kernel_on(database_url, redis_url, lambda group, delay: None)
    for group in streams.waiting(kernel.redis, kernel.settings.one_writer):
        try:
            journal.flush(kernel, group, f"child {os.getpid()}")
        except Exception as error:  # noqa: BLE001 - it is for the test to say what may happen
            say(f"flush raised {type(error).__name__}: {error}")
    say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
