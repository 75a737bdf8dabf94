"""The real server, on its real configuration, over real sockets."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import pytest
import redis

from tests.app.worker import Worker
from tests.architecture.house import ROOT
from tests.services.processes import PATIENCE, Process, free_port

LARGE = 20_000


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(orjson.loads(self.body)["Code"])


class Wire:
    """A connection on which exactly these bytes are sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> Wire:
        for part in parts:
            self.socket.sendall(part.replace(b"{port}", str(self.port).encode()))
        return self

    def head(self) -> Answer:
        status = self.file.readline()
        assert status, "closed"
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(status.split()[1]), headers, b"")

    def answer(self) -> Answer:
        answer = self.head()
        answer.body = self.file.read(int(answer.headers["content-length"]))
        return answer

    @property
    def closed(self) -> bool:
        return self.file.read(1) == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def web(environment: dict[str, str], idle: Worker, launch: Callable[..., Process]) -> Process:
    port = free_port()
    environment = {**environment, "UV_ADDRESS": f"127.0.0.1:{port}", "UV_WEB_WORKERS": "1", "UV_MAX_BODY": str(LARGE), "UV_LOG_LEVEL": "INFO"}
    web = launch(sys.executable, "-m", "gunicorn", "-c", "ultravisor/gunicorn.py", env=environment, cwd=ROOT, ready="Booting worker")
    web.env["PORT"] = str(port)
    return web


@pytest.fixture
def wire(web: Process) -> Iterator[Wire]:
    wire = Wire(int(web.env["PORT"]))
    yield wire
    wire.close()


HOST = b"Host: 127.0.0.1:{port}\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
DELETE = b"DELETE /api/dead-letters/x HTTP/1.1\r\n" + HOST + b"Prefer: wait=0\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_chunked_bodies_without_a_length_are_fine(wire: Wire) -> None:
    wire.send(DELETE + JSON + CHUNKED + b"\r\n", chunk(b'{"Rea'), chunk(b'son": ""}'), chunk(b""))
    assert wire.answer().code == "outcome_unknown"
    wire.send(DELETE + JSON + CHUNKED + b"\r\n", chunk(b'{"Reason": 7}'), chunk(b""))
    assert wire.answer().code == "invalid"


def test_a_delete_that_says_json_and_sends_nothing_is_fine(wire: Wire) -> None:
    for headers, body in ((JSON, b""), (JSON + CHUNKED, chunk(b"")), (JSON + b"Content-Length: 0\r\n", b""), (b"", b"")):
        wire.send(DELETE + headers + b"\r\n", body)
        assert wire.answer().code == "outcome_unknown"


def test_a_body_that_is_too_large_is_refused_and_the_connection_survives(wire: Wire) -> None:
    large = b'{"Reason": "' + b"x" * LARGE + b'"}'
    wire.send(DELETE + JSON + b"Content-Length: %d\r\n\r\n" % len(large), large)
    refused = wire.answer()
    assert (refused.status, refused.code) == (413, "too_large")
    wire.send(ALIVE)
    assert wire.answer().status == 200
    wire.send(DELETE + JSON + CHUNKED + b"\r\n", *(chunk(large[n : n + 1_000]) for n in range(0, len(large), 1_000)), chunk(b""))
    refused = wire.answer()
    assert (refused.status, refused.code) == (413, "too_large")
    wire.send(ALIVE)
    assert wire.answer().status == 200


def test_a_chunk_that_is_none_is_a_bad_request(wire: Wire) -> None:
    wire.send(DELETE + JSON + CHUNKED + b"\r\n", b"zzz\r\nnonsense\r\n")
    answer = wire.answer()
    assert (answer.status, answer.code, answer.headers["connection"]) == (400, "bad_request", "close")
    assert wire.closed


@pytest.mark.parametrize(
    "request_",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 10_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: many\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_with_the_one_body(request_: bytes, wire: Wire) -> None:
    answer = wire.send(request_).answer()
    body = orjson.loads(answer.body)
    assert (400 <= answer.status < 500, body["Code"], answer.headers["content-type"]) == (True, "bad_request", "application/json")
    assert body["Error"]
    assert body["RequestID"]
    assert wire.closed


def test_a_host_is_needed(wire: Wire) -> None:
    assert wire.send(b"GET /healthz HTTP/1.0\r\n\r\n").answer().code == "foreign_host"


def test_an_order_goes_all_the_way(wire: Wire, idle: Worker) -> None:
    letter = idle.bury()
    idle.start()
    wire.send(f"DELETE /api/dead-letters/{letter} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    answer = wire.answer()
    assert (answer.status, orjson.loads(answer.body)) == (200, {"DeadLetter": letter})


def test_an_order_in_flight_is_finished_when_the_server_is_told_to_stop(wire: Wire, web: Process, idle: Worker, transport: redis.Redis) -> None:
    from tests.services.processes import eventually

    letter = idle.bury()
    wire.send(f"DELETE /api/dead-letters/{letter} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    eventually(lambda: transport.xlen("uv:journal:ledger"))
    ended: list[int] = []
    stopping = threading.Thread(target=lambda: ended.append(web.stop(within=10)))
    stopping.start()
    web.wait_for_line("Handling signal: term")
    idle.start()
    assert wire.answer().status == 200
    stopping.join()
    assert ended == [0]


def test_watchers_do_not_hold_up_the_end(web: Process, transport: redis.Redis) -> None:
    port = int(web.env["PORT"])
    wires = [Wire(port).send(b"GET /api/events?topics=queue HTTP/1.1\r\n" + HOST + b"\r\n") for _ in range(3)]
    for wire in wires:
        assert wire.head().headers["content-type"].startswith("text/event-stream")
        while not re.search(rb"id: ", wire.file.readline()):
            pass
    transport.set("uv:epoch", "life-1")
    transport.xadd("uv:events:queue", {"e": b'{"Topic":"queue.changed"}'})
    for wire in wires:
        while b"queue.changed" not in wire.file.readline():
            pass
    assert web.stop(within=30) == 0
    assert "SIGKILL" not in web.output, "they ended by themselves, not when gunicorn's patience was over"
    for wire in wires:
        wire.close()
