"""The scripted hub's WebSocket: says what it is told to, keeps what it hears, and never pings, as the original's."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from contextlib import suppress
from queue import SimpleQueue
from threading import Condition
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

Wire = dict[str, Any]


class SocketSide:
    """One connection counts: the newest."""

    def __init__(self) -> None:
        self.refuse = False
        self._heard: dict[str, SimpleQueue[Wire]] = defaultdict(SimpleQueue)
        self._changed = Condition()
        self._newest: tuple[socket.socket, ServerProtocol] | None = None

    # For tests.

    def send(self, frame: Wire) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._newest, 15), "nobody has connected"
            assert self._newest is not None
            line, wire = self._newest
            wire.send_text(json.dumps(frame).encode())
            _flush(line, wire)

    def hear(self, action: str, seconds: float = 15) -> Wire:
        """The next frame with that Action."""
        return self._heard[action].get(timeout=seconds)

    def cut(self) -> None:
        """End the connection without a word."""
        with self._changed:
            assert self._newest is not None
            self._newest[0].shutdown(socket.SHUT_RDWR)
            self._newest = None

    # The wire.

    def serve(self, line: socket.socket, head: bytes) -> None:
        """Speaks on an upgraded connection until it ends."""
        wire = ServerProtocol()
        wire.receive_data(head)
        (request,) = wire.events_received()
        assert isinstance(request, Request)
        wire.send_response(wire.accept(request))
        with self._changed:
            _flush(line, wire)
            self._newest = (line, wire)
            self._changed.notify_all()
        with suppress(OSError):
            while data := line.recv(65_536):
                self._take(line, wire, data)

    def _take(self, line: socket.socket, wire: ServerProtocol, data: bytes) -> None:
        with self._changed:
            wire.receive_data(data)
            events = wire.events_received()
            _flush(line, wire)
        for event in events:
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                frame = json.loads(bytes(event.data))
                self._heard[frame["Action"]].put(frame)


def _flush(line: socket.socket, wire: ServerProtocol) -> None:
    for data in wire.data_to_send():
        if data:
            line.sendall(data)
        else:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
