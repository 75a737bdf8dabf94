"""A flush that takes too long is interrupted by its own process.

Not by celery's limits: they are timers of the worker's main process, which does nothing else while it looks for a broker that is away. Back
from that it found each flush that had ended meanwhile to be late, and killed whoever had carried it out.
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.failures import Overtime


@contextmanager
def limited(seconds: float, at_last: float) -> Iterator[None]:
    """Raise Overtime after `seconds`, wherever the code is; after `at_last` seconds end the process, with where it hung in its log.

    The first needs an interpreter that comes back to Python, the second does not. For the main thread only, as signals are.
    """
    before = signal.signal(signal.SIGALRM, _interrupt)
    faulthandler.dump_traceback_later(at_last, exit=True, file=2)  # celery has put something without a descriptor in the place of stderr
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def _interrupt(*_: Any) -> None:
    raise Overtime
