"""`python -m bench.hub.beacon HOST PORT NAME CAPABILITY SLOTS`: a beacon on a WebSocket that is done with each item when it gets it.

One blocking socket and no library: what a beacon costs is not what is measured. Its frames are masked, as every client's must be, with zeros.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from struct import pack, unpack_from

import orjson

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MASK = b"\0\0\0\0"


class Line:
    """One WebSocket, as far as a beacon needs it: whole frames, none of them in parts."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(HANDSHAKE.format(host=f"{host}:{port}").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(1 << 16)
        answer, _, self._heard = head.partition(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(answer.decode())

    def say(self, *messages: bytes) -> None:
        """Send text messages, all at once."""
        self._socket.sendall(b"".join(frame(TEXT, message) for message in messages))

    def hear(self) -> list[bytes]:
        """The text messages that have come, at least one. Raises ConnectionError at the end."""
        while True:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionError("the hub has hung up")
            self._heard += data
            messages = []
            for kind, body in self._frames():
                if kind == TEXT:
                    messages.append(body)
                elif kind == PING:
                    self._socket.sendall(frame(PONG, body))
                elif kind == CLOSE:
                    raise ConnectionError("the hub has said goodbye")
            if messages:
                return messages

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        heard, at = self._heard, 0
        while len(heard) >= at + 2:
            size, begins = heard[at + 1] & 0x7F, at + 2
            if size == 126 and len(heard) >= at + 4:
                (size,), begins = unpack_from("!H", heard, at + 2), at + 4
            elif size == 127 and len(heard) >= at + 10:
                (size,), begins = unpack_from("!Q", heard, at + 2), at + 10
            elif size >= 126:
                break
            if len(heard) < begins + size:
                break
            yield heard[at] & 0x0F, heard[begins : begins + size]
            at = begins + size
        self._heard = heard[at:]


def frame(kind: int, body: bytes) -> bytes:
    """A client's frame."""
    size = len(body)
    if size < 126:
        return pack("!BB", 0x80 | kind, 0x80 | size) + MASK + body
    if size < 1 << 16:
        return pack("!BBH", 0x80 | kind, 0xFE, size) + MASK + body
    return pack("!BBQ", 0x80 | kind, 0xFF, size) + MASK + body


def main() -> None:
    host, port, name, capability, slots = sys.argv[1:]
    line = Line(host, int(port))
    line.say(orjson.dumps({"Action": "BeaconRegister", "Name": name, "Capabilities": [capability], "MaxConcurrent": int(slots)}))
    while True:
        done = []
        for said in map(orjson.loads, line.hear()):
            if said["EventType"] == "WorkItem":
                hash, attempt = said["WorkItem"]["WorkItemHash"], said["WorkItem"]["AttemptNumber"]
                done.append(orjson.dumps({"Action": "WorkComplete", "WorkItemHash": hash, "AttemptNumber": attempt, "Outputs": {"Result": "ok"}}))
            elif said["EventType"] == "BeaconRegistered":
                print("registered", flush=True)
            elif said["EventType"] == "Error":
                print(said, flush=True)
        if done:
            line.say(*done)


if __name__ == "__main__":
    main()
