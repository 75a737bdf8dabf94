"""A small hub for tests: the wire contract over real sockets, in memory, with faults on demand."""

from __future__ import annotations

import json
import re
import socket
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from tests.beacon.socket_side import SocketSide

Wire = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What a request meets in place of its answer. `status` None: the line is cut, after the request took effect or before."""

    status: int | None = None
    body: Wire = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    took_effect: bool = False


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    kind: str
    path: str
    body: Wire
    headers: dict[str, str]


class Hub:
    """Offers what `offer` was given, in order, to whoever polls; keeps everything it is told."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.queue: deque[Wire] = deque()
        self.seen: list[Seen] = []
        self.completed: dict[str, Wire] = {}
        self.failed: dict[str, Wire] = {}
        self.cancel: list[str] = []
        self.known: set[str] = set()
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.connections: set[socket.socket] = set()
        self.polls_waiting = 0
        #: Set: WebSockets are spoken too.
        self.sockets: SocketSide | None = None
        self._closed = False
        self._generation = 0
        self._start(0)

    # For tests.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offer(self, *items: Wire) -> None:
        with self.changed:
            self.queue.extend(items)
            self.changed.notify_all()

    def fault(self, kind: str, *faults: Fault) -> None:
        with self.changed:
            self.faults[kind].extend(faults)

    def wait(self, happened: Callable[[], Any], seconds: float = 15) -> None:
        with self.changed:
            assert self.changed.wait_for(happened, seconds), f"not within {seconds} s; seen: {[seen.kind for seen in self.seen][-30:]}"

    def of(self, kind: str) -> list[Seen]:
        with self.changed:
            return [seen for seen in self.seen if seen.kind == kind]

    def forget(self) -> None:
        """As after a restart: nobody is known."""
        with self.changed:
            self.known.clear()
            self._generation += 1
            self.changed.notify_all()

    def down(self) -> None:
        """The address does not answer any more, open connections are cut."""
        self._server.shutdown()
        self._server.server_close()
        with self.changed:
            self._generation += 1
            self.changed.notify_all()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self.changed:
            assert self.changed.wait_for(lambda: not self.connections, 10)

    def up(self) -> None:
        self.known.clear()
        self._start(self.port)

    def close(self) -> None:
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        self.down()

    # The wire.

    def _start(self, port: int) -> None:
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, method: str, path: str, body: Wire, headers: dict[str, str]) -> Fault:
        kind = _kind(method, path)
        with self.changed:
            self.seen.append(Seen(kind, path, body, headers))
            fault = self.faults[kind].popleft() if self.faults[kind] else None
            if fault is None or fault.took_effect:
                good = getattr(self, f"_{kind.lower()}")(path, body)
            self.changed.notify_all()
            return fault or good

    def _register(self, _: str, body: Wire) -> Fault:
        beacon_id = f"bcn-{body['Name'].lower()}-1"
        self.known.add(beacon_id)
        return Fault(200, {"BeaconID": beacon_id, **body}, {"Set-Cookie": f"SessionID=s{self._generation}; Path=/; HttpOnly"})

    def _poll(self, _: str, body: Wire) -> Fault:
        deadline, generation = time.monotonic() + body["waitMs"] / 1000, self._generation
        self.polls_waiting += 1
        self.changed.notify_all()
        self.changed.wait_for(lambda: self.queue or self._closed or generation != self._generation, deadline - time.monotonic())
        self.polls_waiting -= 1
        if body["BeaconID"] not in self.known:
            return Fault(401, {"Error": "unknown beacon"})
        return Fault(200, {"WorkItem": self.queue.popleft() if self.queue and generation == self._generation else None})

    def _heartbeat(self, path: str, body: Wire) -> Fault:
        if path.split("/")[2] not in self.known:
            return Fault(401, {"Error": "unknown beacon"})
        return Fault(200, {"BeaconID": path.split("/")[2], "CancelWorkItems": self.cancel})

    def _progress(self, _: str, body: Wire) -> Fault:
        return self._report(body) or Fault(200, {"Success": True})

    def _complete(self, path: str, body: Wire) -> Fault:
        refused = self._report(body)
        if refused is None:
            self.completed[path.split("/")[3]] = body
        return refused or Fault(200, {"Status": "Completed"})

    def _error(self, path: str, body: Wire) -> Fault:
        refused = self._report(body)
        if refused is None:
            self.failed[path.split("/")[3]] = body
        return refused or Fault(200, {"Status": "Failed"})

    def _leave(self, path: str, _: Wire) -> Fault:
        self.known.discard(path.split("/")[2])
        return Fault(200, {"Status": "Deregistered"})

    def _report(self, body: Wire) -> Fault | None:
        return None if body["BeaconID"] in self.known else Fault(401, {"Error": "unknown beacon"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Cut lines are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    owner: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        with self.owner.changed:
            self.owner.connections.add(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()
        with self.owner.changed:
            self.owner.connections.discard(self.connection)
            self.owner.changed.notify_all()

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.owner.answer(self.command, self.path, json.loads(content) if content else {}, dict(self.headers.items()))
        if answer.status is None:
            self.close_connection = True
            return
        body = json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_POST = do_DELETE = _serve

    def do_GET(self) -> None:
        """A WebSocket, or the refusal of one; there is nothing else to get."""
        sockets, self.close_connection = self.owner.sockets, True
        if sockets is None or sockets.refuse:
            self.send_response_only(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        sockets.serve(self.connection, f"GET / HTTP/1.1\r\n{head}\r\n".encode())


def _kind(method: str, path: str) -> str:
    if method == "DELETE":
        return "Leave"
    found = re.search(r"/(Register|Poll|Heartbeat|Progress|Complete|Error)$", path)
    assert found, path
    return found[1]


def item(
    number: int = 1, capability: str = "Synthetic", action: str = "Process", attempt: int = 1, timeout_ms: int = 60_000, **settings: Any
) -> Wire:
    return {
        "WorkItemHash": f"wi-{number}",
        "RunID": "rn-1",
        "Capability": capability,
        "Action": action,
        "Settings": settings,
        "OperationHash": None,
        "TimeoutMs": timeout_ms,
        "AttemptNumber": attempt,
        "QueueMetadata": {},
    }
