"""`python -m bench.driver HOST PORT PATH CONNECTIONS SECONDS`: POSTs the body from stdin, as fast as answers come; prints what it saw as JSON.

A program of its own, so that it does not share its interpreter with what it measures, and lean: each connection sends the same bytes
again and waits for the whole answer. An answer must state its Content-Length.
"""

from __future__ import annotations

import selectors
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import orjson

END_OF_HEAD = b"\r\n\r\n"


@dataclass(slots=True)
class Caller:
    """One kept-alive connection: when it asked, and what it has heard so far."""

    line: socket.socket
    asked: float = 0.0
    heard: bytes = b""


@dataclass(slots=True)
class Seen:
    """Milliseconds of each answer, and how many there were of each status."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


def drive(address: tuple[str, int], request: bytes, connections: int, seconds: float) -> tuple[Seen, float]:
    """Keep that many requests under way for so long. Returns what was seen, and how long it took to the last answer."""
    seen, selector = Seen(), selectors.DefaultSelector()
    began = perf_counter()
    for caller in _callers(address, connections):
        selector.register(caller.line, selectors.EVENT_READ, caller)
        _ask(caller, request)
    while selector.get_map():
        for key, _ in selector.select(timeout=30):
            caller = key.data
            if not _hear(caller, seen):
                continue
            if perf_counter() - began < seconds:
                _ask(caller, request)
            else:
                selector.unregister(caller.line)
                caller.line.close()
    return seen, perf_counter() - began


def _callers(address: tuple[str, int], connections: int) -> Iterator[Caller]:
    for _ in range(connections):
        line = socket.create_connection(address, timeout=30)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Caller(line)


def _ask(caller: Caller, request: bytes) -> None:
    caller.asked, caller.heard = perf_counter(), b""
    caller.line.sendall(request)


def _hear(caller: Caller, seen: Seen) -> bool:
    """Take what has come. Returns whether the answer is whole. Raises ConnectionError when the other end has gone."""
    data = caller.line.recv(65_536)
    if not data:
        raise ConnectionError("the server has closed a connection")
    caller.heard += data
    head, found, body = caller.heard.partition(END_OF_HEAD)
    if not found or len(body) < _length(head):
        return False
    seen.times.append((perf_counter() - caller.asked) * 1000)
    seen.statuses[head[9:12].decode()] += 1
    return True


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + 15
    return int(lowered[start : lowered.find(b"\r\n", start) if b"\r\n" in lowered[start:] else None])


def post(host: str, path: str, body: bytes) -> bytes:
    """The request as it goes over the line."""
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    host, port, path, connections, seconds = sys.argv[1:]
    request = post(f"{host}:{port}", path, sys.stdin.buffer.read())
    seen, took = drive((host, int(port)), request, int(connections), float(seconds))
    sys.stdout.buffer.write(orjson.dumps({"seconds": took, "times": seen.times, "statuses": seen.statuses}))


if __name__ == "__main__":
    main()
