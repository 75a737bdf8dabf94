"""Many beacons in one thread: sockets, a selector, and as much of the protocol as a beacon needs to join."""

from __future__ import annotations

import selectors
import socket
import zlib
from base64 import b64encode
from os import urandom
from time import monotonic
from types import TracebackType

import orjson

from tests.services.processes import PATIENCE


def framed(data: bytes) -> bytes:
    """A masked text frame; a mask of zeros is a mask."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    return b"\x81" + size + b"\0\0\0\0" + data


class Crowd:
    """`count` connections, each a beacon called crowd-<number>."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._unread: dict[socket.socket, bytes] = {}
        self.registered = 0
        self.hashes: set[str] = set()

    def __enter__(self) -> Crowd:
        for number in range(self._count):
            line = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
            key = b64encode(urandom(16)).decode()
            line.sendall(
                f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n".encode()
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += line.recv(1)
            assert b" 101 " in head
            name = {"Action": "BeaconRegister", "Name": f"crowd-{number}", "Capabilities": ["Shell"], "HeartbeatIntervalMs": 60_000}
            self._unread[line] = orjson.dumps(name)
            self._selector.register(line, selectors.EVENT_READ)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for line in self._unread:
            line.close()
        self._selector.close()

    def register(self) -> None:
        for line, said in self._unread.items():
            line.sendall(framed(said))
            self._unread[line] = b""
        self._read(lambda: self.registered == self._count)

    def items(self, count: int) -> set[str]:
        self._read(lambda: len(self.hashes) >= count)
        return self.hashes

    def _read(self, done: object) -> None:
        deadline = monotonic() + 2 * PATIENCE
        assert callable(done)
        while not done() and monotonic() < deadline:
            for key, _ in self._selector.select(1):
                line = key.fileobj
                assert isinstance(line, socket.socket)
                self._unread[line] += line.recv(65_536)
                self._unread[line] = self._frames(self._unread[line])

    def _frames(self, data: bytes) -> bytes:
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4]), 4
            if len(data) < start + size:
                break
            first, body, data = data[0], data[start : start + size], data[start + size :]
            if first & 0x0F != 1:
                continue
            if first & 0x40:
                body = zlib.decompressobj(-15).decompress(body + b"\0\0\xff\xff")
            frame = orjson.loads(body)
            self.registered += frame["EventType"] == "BeaconRegistered"
            if frame["EventType"] == "WorkItem":
                self.hashes.add(frame["WorkItem"]["WorkItemHash"])
        return data
