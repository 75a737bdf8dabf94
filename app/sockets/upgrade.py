"""Take an upgraded socket out of the HTTP server's hands.

gunicorn gives each request a thread; a WebSocket lasts for days. So the handshake is judged here, the socket is handed to the hall,
and the server is left with a descriptor that leads nowhere, which it closes as it would close any connection.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from app import sessions
from app.answers import error_body
from app.asking import REQUEST_ID
from app.sockets.hall import QUIET, Hall
from schema.errors import CODES, UltravisorError

Environment = dict[str, Any]

#: No context is kept between messages, by us or by the client: a window for each of 500 beacons would be 150 MB.
DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=12, compress_settings={"memLevel": 5}
)


class Taken(StopIteration):
    """The socket is ours."""


class Upgrades:
    """WSGI middleware: WebSockets on every path go to the hall, all else goes on."""

    def __init__(self, inner: Any, hall: Hall) -> None:
        self._inner = inner
        self._hall = hall

    def __call__(self, environ: Environment, start: Any) -> Iterable[bytes]:
        if not wants_socket(environ):
            answer: Iterable[bytes] = self._inner(environ, start)
            return answer
        wire = ServerProtocol(extensions=[DEFLATE], max_size=self._hall.settings.max_frame, logger=QUIET)
        problem = self._handshake(wire, environ)
        if problem is not None:
            return _refused(*problem, environ, start)
        try:
            caller = self._hall.caller_of(sessions.id_in(environ.get("HTTP_COOKIE", "")), environ.get("HTTP_AUTHORIZATION"))
        except (UltravisorError, redis.RedisError):
            return _refused("unavailable", "The hub cannot look up who you are.", environ, start)
        if caller.identity is None and "HTTP_AUTHORIZATION" in environ and self._hall.settings.secured:
            return _refused("unauthenticated", "This token opens nothing.", environ, start)
        sock, ahead = take(environ)
        self._hall.admit(sock, wire, ahead, caller)
        raise Taken

    def _handshake(self, wire: ServerProtocol, environ: Environment) -> tuple[str, str] | None:
        """Have the protocol answer the handshake; or the code and text of why not."""
        if environ.get("gunicorn.socket") is None or environ["REQUEST_METHOD"] != "GET":
            return "bad_request", "This server cannot upgrade the connection."
        if self._hall.full:
            return "overloaded", "Too many sockets are open."
        wire.receive_data(_request(environ))
        events = wire.events_received()
        if not events or not isinstance(events[0], Request):
            return "bad_request", "The handshake cannot be read."
        response: Response = wire.accept(events[0])
        if response.status_code != 101:
            wrong = wire.handshake_exc
            return "bad_request", f"This is no WebSocket handshake: {wrong if isinstance(wrong, InvalidHandshake) else 'malformed'}."
        wire.send_response(response)
        return None


def wants_socket(environ: Environment) -> bool:
    """Whether the request asks for a WebSocket."""
    return "websocket" in environ.get("HTTP_UPGRADE", "").lower() and "upgrade" in environ.get("HTTP_CONNECTION", "").lower()


def _request(environ: Environment) -> bytes:
    """The request's head once more; header names were changed by WSGI, which does not matter to anybody."""
    names = {name: name[5:].replace("_", "-").title() for name in environ if name.startswith("HTTP_")}
    lines = [f"{shown}: {environ[name]}" for name, shown in names.items()]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode("latin-1", "replace")


def take(environ: Environment) -> tuple[socket.socket, bytes]:
    """The socket, and what the client has sent behind its request."""
    theirs: socket.socket = environ["gunicorn.socket"]
    ours = socket.socket(fileno=os.dup(theirs.fileno()))
    with socket.socket() as nowhere:
        os.dup2(nowhere.fileno(), theirs.fileno())
    ours.setblocking(False)
    with suppress(OSError):
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = getattr(environ.get("wsgi.input"), "reader", None)
    unreader = getattr(reader, "unreader", None)
    return ours, unreader.take_buffered() if unreader is not None else b""


def _refused(code: str, text: str, environ: Environment, start: Any) -> list[bytes]:
    body = error_body(code, text, environ.get(REQUEST_ID, ""))
    start(f"{CODES[code][0]} Refused", [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Sec-WebSocket-Version", "13")])
    return [body]
