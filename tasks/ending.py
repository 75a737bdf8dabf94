"""A worker that cannot go on is gone soon, so that its supervisor starts another: one that hangs in its own end looks alive to everybody."""

from __future__ import annotations

import os
from threading import Timer
from typing import Any

from celery import bootsteps

#: Seconds that a failed worker gets to put its things in order. It holds nothing that is not repeated by whoever comes next.
SECONDS = 5.0


class LastResort(bootsteps.StartStopStep):
    """Ends the process when celery ends the worker for an error of its own and does not come to an end of it."""

    # Started after the pool, hence stopped before it: the pool is what waits for children that will never answer.
    requires = ("celery.worker.components:Pool",)

    def stop(self, parent: Any) -> None:
        if parent.exitcode:
            timer = Timer(SECONDS, os._exit, (parent.exitcode,))
            timer.daemon = True
            timer.start()
