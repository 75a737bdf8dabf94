"""Threads that live as long as the beacon and work on one attempt at a time."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Semaphore, Thread

from beacon.context import WorkContext
from beacon.events import LOG


class Pool:
    """`size` slots, each a thread. A slot is claimed before work is asked for, so that no more is asked for than can be done."""

    def __init__(self, size: int, work: Callable[[WorkContext], None]) -> None:
        self._size = size
        self._work = work
        self._free = Semaphore(size)
        self._queue: SimpleQueue[WorkContext | None] = SimpleQueue()
        # Daemons: a provider that never returns must not keep a stopped beacon alive.
        self._threads = [Thread(target=self._run, name=f"slot-{number}", daemon=True) for number in range(size)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def claim(self, stopping: Event) -> bool:
        """Waits for a free slot and takes it; False when the beacon stops."""
        self._free.acquire()
        return not stopping.is_set()

    def submit(self, context: WorkContext) -> None:
        """Fills the claimed slot."""
        self._queue.put(context)

    def give_back(self) -> None:
        """A claimed slot is free after all; also wakes whoever waits in `claim`, which is how it hears of a stop."""
        self._free.release()

    def stop(self, seconds: float) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(seconds / self._size)

    def _run(self) -> None:
        while (context := self._queue.get()) is not None:
            try:
                self._work(context)
            except Exception:  # noqa: BLE001 - logged with its traceback; a thread must outlive what nobody foresaw
                # A mistake of ours. The hub hears nothing of the attempt and gives it to somebody again; the slot goes on.
                LOG.exception("work_broke")
            finally:
                self._free.release()
