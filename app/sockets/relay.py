"""Events on their way from the tail's streams into the loop of the sockets: one thread, for as long as there is somebody to be told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from app.sockets.loop import Loop
from app.tail import Event, Reset, Tail, Watcher

Item = Event | Reset


class Relay:
    """Calls `spread` in the loop with each event of the topics that is news, and with what tells that some were missed.

    `cares` is asked in the relay's own thread, so that what concerns nobody does not wake the loop. `resumed` is called in the loop once the
    relay goes on after it was cut off for being slow.
    """

    def __init__(
        self,
        loop: Loop,
        tail: Tail,
        topics: Sequence[str],
        spread: Callable[[Item], None],
        cares: Callable[[Item], bool] | None = None,
        resumed: Callable[[], None] | None = None,
    ) -> None:
        self._loop = loop
        self._tail = tail
        self._topics = tuple(topics)
        self._spread = spread
        self._cares = cares
        self._resumed = resumed
        self._lock = threading.Lock()
        self._watcher: Watcher | None = None

    def start(self) -> None:
        """Run from now on; again is no mistake. Blocks. Raises what redis-py raises, and Overloaded when the tail has too many watchers."""
        with self._lock:
            if self._watcher is None:
                self._watcher = self._tail.join(self._topics, None, reserved=True)
                assert self._watcher is not None
                threading.Thread(target=self._run, args=(self._watcher,), name="relay", daemon=True).start()

    def stop(self) -> None:
        """Run no longer; again is no mistake."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self._tail.leave(watcher)
            watcher.queue.put(None)

    def _run(self, watcher: Watcher) -> None:
        while (item := watcher.queue.get()) is not None:
            if watcher.moves(item):
                watcher.move(item)
                if self._cares is None or self._cares(item):
                    self._loop.call(self._spread, item)
            if watcher.cut and watcher.queue.empty():
                self._loop.call(self._spread, watcher.reset_now("slow"))
                self._loop.call(self._again, watcher)
                return

    def _again(self, watcher: Watcher) -> None:
        if self._watcher is watcher:
            self._watcher = None
            self._loop.errand(self.start, lambda _: self._resumed() if self._resumed is not None else None)
