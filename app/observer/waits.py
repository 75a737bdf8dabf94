"""Long polls: each holds a thread of the web process while it waits, and all of them are woken by the one thread of the tail."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty
from time import monotonic
from typing import TypeVar

from flask import current_app

from app.observer.replay import TOPICS, Page
from app.tail import Tail
from schema.errors import Overloaded

#: Until an entry of the present millisecond is ripe.
RIPENING_SECONDS = 0.002

Found = TypeVar("Found", bound=Page | None)


def waited(look: Callable[[], Found], wait_ms: int) -> Found:
    """What `look` finds once it finds events, or at the end of the time. Raises Overloaded when too many wait already."""
    found = look()
    if not wait_ms or _enough(found):
        return found
    tail: Tail = current_app.extensions["tail"]
    deadline = monotonic() + wait_ms / 1000
    watcher = tail.join(TOPICS, None)
    if watcher is None:
        raise Overloaded("Too many watchers; each of them holds a thread.")
    try:
        while True:
            found = look()  # first after joining: nothing can come in between
            left = deadline - monotonic()
            if _enough(found) or left <= 0:
                return found
            try:
                if watcher.queue.get(timeout=min(left, RIPENING_SECONDS) if found is not None and found.held else left) is None:
                    return found  # the process is about to end
            except Empty:
                continue
    finally:
        tail.leave(watcher)


def _enough(found: Page | None) -> bool:
    return found is None or bool(found.events)
