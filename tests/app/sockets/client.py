"""A WebSocket client that says exactly what it is told to say."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import orjson
import websocket

from tests.services.processes import PATIENCE

Frame = dict[str, Any]


class Client:
    """One connection. `next` skips what is not asked for."""

    def __init__(self, port: int, path: str = "/", **options: Any) -> None:
        self.port = port
        self.wire = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=PATIENCE, suppress_origin=True, **options)

    @property
    def socket(self) -> socket.socket:
        return self.wire.sock

    def say(self, **frame: Any) -> Client:
        return self.raw(orjson.dumps(frame))

    def raw(self, data: bytes, opcode: int = websocket.ABNF.OPCODE_TEXT) -> Client:
        self.wire.send(data, opcode)
        return self

    def hear(self) -> Frame:
        """The next frame."""
        return orjson.loads(self.wire.recv())

    def next(self, kind: str) -> Frame:
        return self.until(lambda frame: kind in (frame.get("EventType"), frame.get("Topic")))

    def until(self, wanted: Callable[[Frame], Any]) -> Frame:
        while not wanted(frame := self.hear()):
            pass
        return frame

    def register(self, name: str = "One", capabilities: tuple[str, ...] = ("Shell",), **more: Any) -> str:
        """As the original's client does. Returns the BeaconID."""
        sent = {
            "Name": name,
            "Capabilities": list(capabilities),
            "ActionSchemas": [],
            "MaxConcurrent": 1,
            "Tags": {},
            "HostID": "h",
            "SharedMounts": [],
        }
        self.say(Action="BeaconRegister", **(sent | more))
        return str(self.next("BeaconRegistered")["BeaconID"])

    def closed(self) -> tuple[int, str]:
        """Code and reason of the close; (0, "") when the line was cut."""
        while True:
            try:
                opcode, data = self.wire.recv_data()
            except (websocket.WebSocketException, OSError):
                return 0, ""
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2]), data[2:].decode()

    def cut(self) -> None:
        """End it without a word."""
        self.wire.shutdown()
