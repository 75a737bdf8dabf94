"""One WebSocket to the hub: what is sent, what comes, and how its end is noticed."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import SplitResult

from beacon.events import note
from beacon.transport import Unreachable, Wire

CONNECT_SECONDS = 10.0
#: Silence after which the hub is asked whether it is there, and after which it counts as gone. The original's hub never asks by itself.
PING_SECONDS = 15.0
GONE_SECONDS = 40.0


def available() -> bool:
    """Whether this machine has the library; the standard library alone speaks no WebSocket."""
    try:
        import websocket  # noqa: F401 - only looked for
    except ImportError:
        return False
    return True


class SocketLine:
    """Opens with its making. Every frame that is an object goes to `heard`, in its order; `ended` is called once, whoever ends it."""

    def __init__(self, server: SplitResult, cookies: str, heard: Callable[[Wire], None], ended: Callable[[], None]) -> None:
        """Raises: Unreachable when the hub refuses or does not answer."""
        import websocket

        scheme = "wss" if server.scheme == "https" else "ws"
        address = f"{scheme}://{server.netloc}{server.path.rstrip('/') or '/'}"
        nodelay = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
        try:
            self._wire = websocket.create_connection(address, CONNECT_SECONDS, cookie=cookies or None, suppress_origin=True, sockopt=nodelay)
        except (websocket.WebSocketException, OSError, ValueError) as trouble:
            raise Unreachable(f"no WebSocket: {type(trouble).__name__}: {str(trouble)[:200]}") from None
        self._lost: tuple[type[Exception], ...] = (websocket.WebSocketException, OSError)
        self._late = websocket.WebSocketTimeoutException
        self._wire.settimeout(PING_SECONDS)
        self._heard = heard
        self._ended = ended
        self._closing = Event()
        self._sending = Lock()
        Thread(target=self._run, name="socket", daemon=True).start()

    @property
    def open(self) -> bool:
        return not self._closing.is_set()

    def send(self, text: bytes) -> None:
        """Raises: Unreachable when the line has ended."""
        self._do(lambda: self._wire.send(text))

    def send_file(self, text: bytes, data: bytes) -> None:
        """An announcement and what it announces, with nothing between them. Raises: Unreachable when the line has ended."""
        self._do(lambda: (self._wire.send(text), self._wire.send_binary(data)))

    def ping(self, word: str) -> None:
        """The answer is heard as a frame of kind Pong, with the word as its RequestID. Raises: Unreachable when the line has ended."""
        self._do(lambda: self._wire.ping(word))

    def _do(self, send: Callable[[], object]) -> None:
        if not self.open:
            raise Unreachable("the WebSocket has ended")
        try:
            with self._sending:
                send()
        except self._lost as trouble:
            self.close()
            raise Unreachable(f"{type(trouble).__name__}: {trouble}") from None

    def close(self) -> None:
        """Ends it for both sides. The reader notices by itself, so this never waits for it."""
        self._closing.set()
        sock = self._wire.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def say_goodbye(self) -> None:
        """A close frame, for a hub that should know that this was meant."""
        with suppress(*self._lost), self._sending:
            self._wire.send_close()
        self.close()

    def _run(self) -> None:
        last = time.monotonic()
        try:
            while self.open:
                try:
                    opcode, data = self._wire.recv_data(control_frame=True)
                except self._late:
                    if time.monotonic() - last > GONE_SECONDS:
                        note(logging.WARNING, "socket_silent")
                        return
                    with self._sending:
                        self._wire.ping()
                    continue
                last = time.monotonic()
                if opcode == _CLOSE:
                    note(logging.INFO, "socket_closed", code=int.from_bytes(data[:2]), why=data[2:].decode(errors="replace"))
                    return
                if opcode == _PONG:
                    self._heard({"EventType": "Pong", "RequestID": data.decode(errors="replace")})
                if opcode == _TEXT:
                    self._read(data)
        except self._lost as trouble:
            if self.open:
                note(logging.INFO, "socket_ended", why=f"{type(trouble).__name__}: {trouble}")
        finally:
            self.close()
            with suppress(*self._lost):
                self._wire.shutdown()  # type: ignore[no-untyped-call]  # the library left it so
            self._ended()

    def _read(self, data: bytes) -> None:
        try:
            frame: Any = json.loads(data)
        except ValueError:
            return
        if isinstance(frame, dict):
            self._heard(frame)


_TEXT, _CLOSE, _PONG = 1, 8, 10
