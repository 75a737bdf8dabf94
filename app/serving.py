"""What the server itself has to say when a request never becomes one: the same body as every other failure."""

from __future__ import annotations

import socket
from contextlib import suppress

from app.answers import error_body
from app.asking import fresh_or
from app.guard import HEADERS


def write_error(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what is no HTTP, and let the connection end. In place of gunicorn's own, which writes HTML."""
    code = "bad_request" if status < 500 or status == 501 else "internal"
    id = fresh_or(None)
    body = error_body(code, f"{reason}: {message}" if message else None, id)
    headers = {"Connection": "close", "Content-Type": "application/json", "Content-Length": str(len(body)), "X-Request-ID": id, **dict(HEADERS)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with suppress(OSError):  # whoever sent it may have gone
        sock.sendall(f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode("latin-1") + body)
