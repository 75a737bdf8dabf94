"""One WebSocket: bytes in, messages out, and the other way round. Lives in the hall's loop; nothing here blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

import orjson
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

#: Seconds that a peer gets to take what is left for it and to close its side.
CLOSE_SECONDS = 5.0
#: The same for one that was cut off because it is slow.
SLOW_SECONDS = 20.0
#: The longest reason that fits into a close frame.
REASON_BYTES = 120


class Desk(Protocol):
    """Who deals with what a connection brings."""

    def text(self, data: bytes) -> None:
        """A whole text message."""

    def binary(self, data: bytes) -> None:
        """A whole binary message."""

    def lost(self) -> None:
        """The connection has ended."""


class Connection(asyncio.Protocol):
    """Bytes of one socket, judged by the protocol; `desk` gets whole messages, in their order."""

    def __init__(self, wire: ServerProtocol, ahead: bytes, open_desk: Callable[[Connection], Desk]) -> None:
        self.wire = wire
        self.heard = self.pinged = monotonic()
        self._ahead = ahead
        self._open_desk = open_desk
        self._parts: list[Any] = []
        self._kind = Opcode.TEXT
        self._closing = False
        self._paused = False
        #: Bytes of the message in hand.
        self.size = 0
        self.desk: Desk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.desk = self._open_desk(self)
        self.flush()
        if self._ahead:
            self.data_received(self._ahead)

    def data_received(self, data: bytes) -> None:
        self.heard = monotonic()
        self.wire.receive_data(data)
        for event in self.wire.events_received():
            if isinstance(event, Frame):
                self._take(event)
        self.flush()

    def _take(self, frame: Frame) -> None:
        # Also behind our own goodbye: what was said before the peer heard it shall not be lost.
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._kind = frame.opcode
        self._parts.append(frame.data)
        if frame.fin:
            data, self._parts = b"".join(self._parts), []
            self.size = len(data)
            (self.desk.text if self._kind is Opcode.TEXT else self.desk.binary)(data)

    def eof_received(self) -> bool:
        self.wire.receive_eof()
        self.flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.desk.lost()

    @property
    def open(self) -> bool:
        return self.wire.state is State.OPEN and not self._closing

    @property
    def unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self.transport.get_write_buffer_size()

    def send(self, value: dict[str, Any]) -> None:
        self.send_bytes(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))

    def send_all(self, values: Iterable[dict[str, Any]]) -> None:
        """Several messages, in one go."""
        if self.open:
            for value in values:
                self.wire.send_text(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))
            self.flush()

    def send_bytes(self, text: bytes) -> None:
        """A text message. What a closed connection is told is lost, as on any road."""
        if self.open:
            self.wire.send_text(text)
            self.flush()

    def ping(self, now: float) -> None:
        self.pinged = now
        if self.open:
            self.wire.send_ping(b"")
            self.flush()

    def close(self, code: int, reason: str = "", seconds: float = CLOSE_SECONDS) -> None:
        """Say goodbye, and hang up when the peer does not."""
        if not self.open:
            return
        with suppress(ProtocolError):
            self.wire.send_close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))
        self._hang_up(seconds)
        self.flush()

    def flush(self) -> None:
        """Send what the protocol has to say."""
        said = self.wire.data_to_send()
        if said and not self.transport.is_closing():
            self.transport.write(b"".join(said))
            if b"" in said and self.transport.can_write_eof():  # how the protocol says that it is over
                self.transport.write_eof()
        if self.wire.close_expected():
            self._hang_up(CLOSE_SECONDS)

    def _hang_up(self, seconds: float) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_later(seconds, self.transport.abort)

    def abort(self) -> None:
        """Hang up without a word."""
        self.transport.abort()

    def hold(self, hold: bool) -> None:
        """Read nothing for a while: the sender is faster than what it says can be carried out."""
        if hold != self._paused and not self.transport.is_closing():
            self._paused = hold
            (self.transport.pause_reading if hold else self.transport.resume_reading)()
        if hold:
            self.heard = monotonic()

    def silent(self, now: float) -> float:
        """Seconds since something was heard; none while we do not listen."""
        return 0.0 if self._paused else now - self.heard
