"""The one thread in which all sockets of a web process live, and the few threads for errands that block."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import structlog
from flask import Flask

from app.sockets.connection import Connection
from schema.settings import Settings

log = structlog.get_logger()

#: Threads for errands: questions to SQL and Redis on behalf of sockets.
ERRANDS = 4
#: Threads for files on their way in: each is busy for as long as its file takes.
FILES = 2
#: Seconds between looks at whether everybody has left.
EMPTY_SECONDS = 0.02
#: A peer that is silent for this many pings is gone.
PINGS_MISSED = 2.2


class Loop:
    """`call` and `errand` are the only ways in from, and out to, other threads."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.connections: set[Connection] = set()
        #: Called in each round with the time.
        self.rounds: list[Callable[[float], None]] = []
        #: What other threads want done; they ring once for all that waits.
        self._wanted: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._rung = False
        self._errands = ThreadPoolExecutor(ERRANDS, "errand")
        self._files = ThreadPoolExecutor(FILES, "file")
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_broke)
        self._thread = threading.Thread(target=self._run, name="sockets", daemon=True)
        self._thread.start()

    def call(self, what: Callable[..., Any], *arguments: Any) -> None:
        """Have something done in the loop, soon, in the order of the calls. For other threads; once the loop has ended, nothing is."""
        self._wanted.append((what, arguments))
        if self._rung:  # whoever has rung is not heard yet, and all that waits is done then: a wake-up costs more than most of what is wanted
            return
        self._rung = True
        try:
            self._loop.call_soon_threadsafe(self._do_wanted)
        except RuntimeError:  # it is closed
            return

    def _do_wanted(self) -> None:
        self._rung = False  # before the first look: what comes from now on rings again
        for _ in range(len(self._wanted)):
            what, arguments = self._wanted.popleft()
            try:
                what(*arguments)
            except Exception as error:
                log.error("socket_failed", what=repr(what), exc_info=error)
        if self._wanted and not self._rung:
            self._rung = True
            self._loop.call_soon(self._do_wanted)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Have something done in the loop after a while. For the loop's own thread."""
        self._loop.call_later(seconds, what)

    def errand(
        self,
        what: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        long: bool = False,
    ) -> None:
        """Have something done that blocks, in the app's context; `then` gets the result in the loop, `failed` what was raised.

        What may take long has threads of its own, so that short errands never wait for it.
        """

        def run() -> None:
            try:
                with self.app.app_context():
                    result = what()
            except Exception as error:  # noqa: BLE001 - a socket's errand must not end the thread of all others
                log.warning("socket_errand_failed", error=repr(error))
                if failed is not None:
                    self.call(failed, error)
            else:
                if then is not None:
                    self.call(then, result)

        try:
            (self._files if long else self._errands).submit(run)
        except RuntimeError:  # the process ends
            return

    def seat(self, sock: Any, connection: Connection) -> None:
        """Serve a socket from now on. For the loop's own thread."""
        self.connections.add(connection)
        self._loop.create_task(self._serve(sock, connection))

    def leave(self, code: int, reason: str) -> None:
        """Say goodbye to everybody. For the loop's own thread."""
        for connection in list(self.connections):
            connection.close(code, reason)

    def wait_empty(self, seconds: float) -> None:
        """Wait until nobody is here, at most so long. For other threads."""
        empty = threading.Event()

        def look() -> None:
            if self.connections:
                self.later(EMPTY_SECONDS, look)
            else:
                empty.set()

        self.call(look)
        empty.wait(seconds)

    def end(self, seconds: float) -> None:
        """Hang up on everybody and end."""
        for threads in (self._errands, self._files):
            threads.shutdown(wait=False, cancel_futures=True)
        self.call(self._end)
        self._thread.join(seconds)

    async def _serve(self, sock: Any, connection: Connection) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # gone before it was seated
            self.connections.discard(connection)
            sock.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._round)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _round(self) -> None:
        """Ping those who are due, and hang up on those who are gone: a half-open connection says nothing, for ever."""
        now, pause = monotonic(), self.settings.ping_seconds
        self.later(pause / 8, self._round)
        for connection in list(self.connections):
            if connection.silent(now) > PINGS_MISSED * pause:
                connection.abort()
            elif now - connection.pinged >= pause:
                connection.ping(now)
        for called in self.rounds:
            called(now)

    def _end(self) -> None:
        for connection in list(self.connections):
            connection.abort()
        self._loop.call_soon(self._loop.stop)


def _broke(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a socket brings must never end the loop that serves all others."""
    log.error("socket_failed", what=context.get("message"), exc_info=context.get("exception"))
