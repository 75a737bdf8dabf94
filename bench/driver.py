"""`python -m bench.driver HOST PORT PATH CONNECTIONS SECONDS [REQUESTS]`: POSTs the body from stdin as fast as answers come.

Prints what it saw as JSON.

A program of its own, so that it does not share its interpreter with what it measures, and lean: each connection sends the same bytes
again and waits for the whole answer. An answer must state its Content-Length. Where the body has `#NUMBER#`, each request has a number of
its own, from 1 on. It ends after so many seconds, or after so many requests, if they are given.
"""

from __future__ import annotations

import selectors
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter, process_time

import orjson

END_OF_HEAD = b"\r\n\r\n"
NUMBER = b"#NUMBER#"
WHOLE = 2**53


@dataclass(slots=True)
class Caller:
    """One kept-alive connection: when it asked, and what it has heard so far."""

    line: socket.socket
    asked: float = 0.0
    heard: bytes = b""


@dataclass(slots=True)
class Seen:
    """Milliseconds of each answer in the order of their coming, and how many there were of each status."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    #: Seconds since the beginning at which each answer came.
    at: list[float] = field(default_factory=list)


def drive(address: tuple[str, int], request: Callable[[], bytes], connections: int, seconds: float, most: int = WHOLE) -> tuple[Seen, float]:
    """Keep that many requests under way. Returns what was seen, and how long it took to the last answer."""
    seen, selector = Seen(), selectors.DefaultSelector()
    callers = list(_callers(address, min(connections, most)))
    began, asked = perf_counter(), 0
    for caller in callers:
        selector.register(caller.line, selectors.EVENT_READ, caller)
        asked += 1
        _ask(caller, request())
    while selector.get_map():
        for key, _ in selector.select(timeout=60):
            caller = key.data
            if not _hear(caller, seen):
                continue
            now = perf_counter() - began
            seen.at.append(now)
            if now < seconds and asked < most:
                asked += 1
                _ask(caller, request())
            else:
                selector.unregister(caller.line)
                caller.line.close()
    return seen, perf_counter() - began


def _callers(address: tuple[str, int], connections: int) -> Iterator[Caller]:
    for _ in range(connections):
        line = socket.create_connection(address, timeout=60)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Caller(line)


def _ask(caller: Caller, request: bytes) -> None:
    caller.asked, caller.heard = perf_counter(), b""
    caller.line.sendall(request)


def _hear(caller: Caller, seen: Seen) -> bool:
    """Take what has come. Returns whether the answer is whole. Raises ConnectionError when the other end has gone."""
    data = caller.line.recv(262_144)
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
    """The request as it goes over the line; without a body it is a GET."""
    if not body:
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def numbered(request: bytes) -> Callable[[], bytes]:
    """The request again and again, each time with the next number where it has a place for one; its length stays."""
    before, place, after = request.partition(NUMBER)
    if not place:
        return lambda: request
    numbers = count(1)
    return lambda: before + b"%08d" % next(numbers) + after


def main() -> None:
    host, port, path, connections, seconds, *most = sys.argv[1:]
    request = numbered(post(f"{host}:{port}", path, sys.stdin.buffer.read()))
    began = process_time()
    seen, took = drive((host, int(port)), request, int(connections), float(seconds), int(most[0]) if most else WHOLE)
    told = {"seconds": took, "processor": process_time() - began, "times": seen.times, "at": seen.at, "statuses": seen.statuses}
    sys.stdout.buffer.write(orjson.dumps(told))


if __name__ == "__main__":
    main()
