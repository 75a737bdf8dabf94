"""One connection to the journal for as long as a flush runs: what leaves after a commit travels together with the next look.

Of what a flush tells the broker it needs to hear nothing, but that it was heard. So it sends, goes on, and reads those answers with the
ones of its next question. On a busy machine each journey that is spared is a turn at the processor that nobody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

#: A command with its arguments, as Redis knows it.
Words = tuple[Any, ...]


class Line:
    """Connects when first used. Raises what redis-py raises; after that nobody knows what was heard."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None
        self._owed = 0

    def send(self, commands: Iterable[Words]) -> None:
        """Say this, and wait for nothing. Raises when it could not leave; what Redis has against it is raised by the next `ask`."""
        words = list(commands)
        if not words:
            return
        if self._connection is None:
            self._connection = self._pool.get_connection()
        self._owed += len(words)
        self._connection.send_packed_command(self._connection.pack_commands(words), check_health=False)

    def ask(self, commands: Iterable[Words] = ()) -> list[Any]:
        """The answers, once all that was sent before is heard. Raises the first thing that Redis had against any of it."""
        words = list(commands)
        self.send(words)
        answers = []
        while self._owed:
            answers.append(self._answer())
            self._owed -= 1
        wrong = next((answer for answer in answers if isinstance(answer, redis.ResponseError)), None)
        if wrong is not None:
            raise wrong
        return answers[len(answers) - len(words) :]

    def close(self) -> None:
        """Give the connection back; if an answer is still owed, hang up: the next one who gets it must not take it for his."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        if self._owed:
            connection.disconnect()
        self._owed = 0
        self._pool.release(connection)

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except redis.ResponseError as error:
            return error


class Parcel:
    """Commands on their way, with the one method of redis-py's pipelines that `tasks.outbox` uses."""

    def __init__(self) -> None:
        self.commands: list[Words] = []

    def execute_command(self, *words: Any) -> None:
        self.commands.append(words)
