"""One kept-alive connection to the hub, for one thread at a time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from os import fstat
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from beacon.transport import Unreachable

CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: HTTPMessage
    content: bytes


class _OneWrite(HTTPConnection):
    """Sends head and body of a request in one write. http.client would send two, and with them two packets and two wake-ups at the hub.

    http.client itself switches Nagle's algorithm off (TCP_NODELAY) when it connects.
    """

    _held: bytearray | None = None

    def hold(self) -> None:
        self._held = bytearray()

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held += data

    def release(self) -> None:
        held, self._held = self._held, None
        super().send(bytes(held or b""))


class _OneWriteTls(_OneWrite, HTTPSConnection):
    """The same over TLS."""


class Line:
    """Asks and waits for the answer. A kept connection that the hub has closed meanwhile is replaced without a word."""

    def __init__(self, server: SplitResult) -> None:
        host, port = server.hostname or "", server.port
        if server.scheme == "https":
            self._connection: _OneWrite = _OneWriteTls(host, port, timeout=CONNECT_SECONDS, context=ssl.create_default_context())
        else:
            self._connection = _OneWrite(host, port, timeout=CONNECT_SECONDS)
        self._broken_off = False

    def exchange(self, method: str, path: str, content: bytes | Path | None, headers: Mapping[str, str | bytes], timeout: float) -> Reply:
        """`content` may be the path of a file, which is then streamed. Raises: Unreachable when there is no whole answer within `timeout`
        seconds of silence.
        """
        while True:
            kept = self._connection.sock is not None
            try:
                return self._exchange(method, path, content, headers, timeout)
            except (OSError, HTTPException, UnicodeError) as trouble:
                self.close()
                # Silence on a kept line is no sign that it is stale, so only its sudden end is worth another try.
                if kept and not isinstance(trouble, TimeoutError) and not self._broken_off:
                    continue
                raise Unreachable(f"{type(trouble).__name__}: {trouble}") from None

    def _exchange(self, method: str, path: str, content: bytes | Path | None, headers: Mapping[str, str | bytes], timeout: float) -> Reply:
        connection = self._connection
        if connection.sock is None:
            connection.connect()
        # Looked at after there is a socket: `break_off` sets the mark before it looks for one, so one of the two always sees the other.
        if self._broken_off:
            raise ConnectionAbortedError("broken off")
        connection.sock.settimeout(timeout)
        # A hub that refuses a large body answers and closes before it has read it all: then there is an answer in spite of the error.
        if isinstance(content, Path):
            with content.open("rb") as file, suppress(BrokenPipeError, ConnectionResetError):
                size = str(fstat(file.fileno()).st_size)
                connection.request(method, path, file, {**headers, "Content-Length": size})
        else:
            connection.hold()
            connection.request(method, path, content, headers)
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.release()
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def break_off(self) -> None:
        """Whoever waits on the line fails at once, and later exchanges fail. For other threads."""
        self._broken_off = True
        if (sock := self._connection.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()
