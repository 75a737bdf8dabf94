"""One thread's connection to the journal.

Written on redis-py's connection and not on its client: the client cannot tell a command that never left from one that may have
arrived, and it costs three times the work for each command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
import structlog
from redis import exceptions as broken

from schema.envelope import APPEND
from schema.errors import Unavailable

log = structlog.get_logger()

#: What a connection raises once a command may have left.
LOST = (broken.ConnectionError, broken.TimeoutError)


class Line:
    """Not safe for threads; each has its own."""

    def __init__(self, connections: redis.ConnectionPool) -> None:
        self._connection: Any = connections.connection_class(**connections.connection_kwargs)
        self._script: Any = ""

    @property
    def open(self) -> bool:
        return bool(self._connection.is_connected)

    def ready(self) -> None:
        """Connect unless connected. Raises Unavailable: then nothing has been sent."""
        try:
            if self.open and self._connection.can_read():
                self.drop()  # an answer to somebody who no longer waits
        except LOST:
            self.drop()  # the broker has closed it meanwhile
        if self.open:
            return
        try:
            self._connection.connect()
            self._connection.send_command("SCRIPT", "LOAD", APPEND, check_health=False)
            self._script = self._connection.read_response()
        except (broken.RedisError, OSError) as error:
            self.drop()
            log.warning("broker_unreachable", error=repr(error))
            raise Unavailable("The broker does not answer; nothing was accepted.") from error

    def append(self, names: Sequence[str], arguments: Sequence[Any], behind: Sequence[Sequence[Any]], seconds: float) -> tuple[bytes, int]:
        """Run the append script, with further commands right behind it whose answers are left to `read`.

        Raises redis-py's ResponseError when the script has not run, one of LOST when nobody knows.
        """
        try:
            return self._append(names, arguments, behind, seconds)
        except broken.NoScriptError:
            # The broker's script cache was emptied, and what stood behind has been carried out for nothing: begin anew.
            self.drop()
            self.ready()
            return self._append(names, arguments, behind, seconds)

    def _append(self, names: Sequence[str], arguments: Sequence[Any], behind: Sequence[Sequence[Any]], seconds: float) -> tuple[bytes, int]:
        connection = self._connection
        commands = [("EVALSHA", self._script, len(names), *names, *arguments), *behind]
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        last, rung = connection.read_response(timeout=seconds)
        return last, rung

    def wait(self, name: str, seconds: float, margin: float) -> bytes | None:
        """What comes to the list within the time, which the server keeps; we listen a little longer. Raises as `read` does."""
        self._connection.send_command("BLPOP", name, max(seconds, 0.01), check_health=False)
        reply = self.read(seconds + margin)
        return None if reply is None else bytes(reply[1])

    def read(self, seconds: float) -> Any:
        """The next answer. Raises one of LOST, or ResponseError."""
        return self._connection.read_response(timeout=seconds)

    def drop(self) -> None:
        """Close it; what it still waited for is given up."""
        self._connection.disconnect()
