"""Sockets as such: who gets one, what ends one, what never does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import psutil
import pytest
import redis
import websocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.sockets.client import Client
from tests.app.sockets.conftest import Web, status_of
from tests.app.sockets.crowd import Crowd
from tests.architecture.house import ROOT
from tests.services.processes import PATIENCE, Process, eventually

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize("path", ["/", "/ws", "/Beacon/Work"])
def test_any_path_will_do(path: str, web: Web) -> None:
    assert web.client(path).register()


def test_compression_and_the_session_cookie_are_accepted(web: Web) -> None:
    client = web.client(header=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"], cookie="SessionID=abc")
    assert "permessage-deflate" in client.wire.headers["sec-websocket-extensions"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 403, "foreign_host"),
        ({"Origin": "http://evil.example"}, 403, "cross_origin"),
        ({"Origin": "null"}, 403, "cross_origin"),
        ({"Sec-WebSocket-Key": "short"}, 400, "bad_request"),
        ({"Sec-WebSocket-Version": "7"}, 400, "bad_request"),
    ],
)
def test_who_may_not_knock_is_refused_as_on_every_route(headers: dict[str, str], status: int, code: str, web: Web) -> None:
    found, answer = web.ask("GET", "/", None, **(UPGRADE | headers))
    assert (found, answer["Code"]) == (status, code)


def test_a_page_of_our_own_is_let_in(web: Web) -> None:
    assert web.client(header=[f"Origin: http://127.0.0.1:{web.port}"]).register()


BAD = [
    b"null",
    b"7",
    b'"x"',
    b"[]",
    b"{",
    b"",
    b"\xff\xfe",
    b'{"Action": 7}',
    b'{"Action": "Nonsense"}',
    b'{"Action": "BeaconRegister"}',
    b'{"Action": "BeaconRegister", "Name": 7, "Capabilities": ["Shell"]}',
    b'{"Action": "BeaconRegister", "Name": "x", "Capabilities": "Shell"}',
    b'{"Action": "BeaconRegister", "Name": "a\\u0000b", "Capabilities": []}',
    b'{"Action": "WorkComplete", "WorkItemHash": {"a": 1}}',
    b'{"Action": "QueueSubscribe", "LastEventGUID": 7}',
    b'{"Action": "Subscribe", "RunHash": []}',
    b'{"a":' * 2_000,
]


def test_what_makes_no_sense_is_answered_and_ends_nothing(web: Web) -> None:
    client = web.client()
    for bad in BAD:
        client.raw(bad)
        assert client.next("Error")["Error"]
    client.raw(b"abc", opcode=websocket.ABNF.OPCODE_BINARY)
    assert client.next("Error")["Code"] == "bad_request"
    assert client.register()
    assert [beacon["Name"] for beacon in web.ask("GET", "/Beacon")[1]] == ["One"], "nothing of it was kept"


def test_numbers_beyond_all_bounds_are_refused_and_not_stored(web: Web) -> None:
    client = web.client()
    client.register()
    for number in (2**63, -(2**63), 1e300, True):
        client.say(Action="WorkComplete", WorkItemHash="wi-1", AttemptNumber=number if number != 2**63 else 2**62, Outputs={}, Log=[])
        assert client.next("Error")["Code"] == "invalid"


def test_a_message_that_is_too_large_ends_its_own_connection(start_web: Callable[..., Web]) -> None:
    web = start_web(UV_MAX_FRAME="5000")
    client, other = web.client(), web.client()
    client.say(Action="BeaconRegister", Name="x" * 6_000, Capabilities=[])
    assert client.closed()[0] == 1009
    # Many small pieces are one message; so is one that is small until it is unpacked.
    pieces = web.client()
    pieces.wire.send_frame(websocket.ABNF.create_frame(b"x" * 3_000, websocket.ABNF.OPCODE_TEXT, 0))
    pieces.wire.send_frame(websocket.ABNF.create_frame(b"x" * 3_000, websocket.ABNF.OPCODE_CONT, 1))
    assert pieces.closed()[0] == 1009
    assert other.register()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
NAMES = [
    "Name",
    "Capabilities",
    "WorkItemHash",
    "Outputs",
    "Log",
    "BeaconID",
    "AttemptNumber",
    "LastEventGUID",
    "ProgressData",
    "OutputSize",
    "RequestID",
]
ACTIONS = [
    "BeaconRegister",
    "BeaconHeartbeat",
    "WorkProgress",
    "WorkComplete",
    "WorkError",
    "WorkResultUpload",
    "Deregister",
    "QueueSubscribe",
    "Subscribe",
]
FRAMES = st.one_of(
    st.binary(max_size=200).map(lambda data: (1, data)),
    st.binary(max_size=200).map(lambda data: (2, data)),
    JSON.map(lambda value: (1, _dumps(value))),
    st.tuples(st.sampled_from(ACTIONS), st.dictionaries(st.sampled_from(NAMES), JSON)).map(lambda said: (1, _dumps({**said[1], "Action": said[0]}))),
)


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer or a text that JSON cannot carry
        return b"{}"


def test_no_frame_ends_the_process_or_anybody_elses_connection(web: Web) -> None:
    witness = web.client()
    witness.register("Witness")
    pid = psutil.Process(web.process.pid).children()[0].pid

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(FRAMES, max_size=6), st.binary(max_size=60))
    def shower(frames: list[tuple[int, bytes]], raw: bytes) -> None:
        client = Client(web.port)
        with suppress(OSError):  # it may be hung up on, as it should be
            for opcode, data in frames:
                client.raw(data, opcode)
            client.socket.sendall(raw)
        client.cut()

    shower()
    assert psutil.Process(web.process.pid).children()[0].pid == pid
    assert web.ask("GET", "/healthz")[0] == 200
    witness.say(Action="BeaconHeartbeat", RequestID=1)
    assert witness.next("Answer")["HttpStatus"] == 200
    assert not {"socket_failed", "frame_failed", "post_failed"} & set(web.process.output.split())


FROZEN = """
import sys, websocket, json
wire = websocket.create_connection("ws://127.0.0.1:%d/" % int(sys.argv[1]))
wire.send(json.dumps({"Action": "BeaconRegister", "Name": "Frozen", "Capabilities": ["Shell"], "HeartbeatIntervalMs": 600000}))
print(json.loads(wire.recv())["BeaconID"], flush=True)
while True:
    wire.recv()
"""


def test_a_frozen_client_is_found_and_its_work_goes_on(start_web: Callable[..., Web], launch: Callable[..., Process], transport: redis.Redis) -> None:
    web = start_web(UV_PING_SECONDS="0.5")
    frozen = launch(sys.executable, "-c", FROZEN, str(web.port), cwd=ROOT, ready="bcn-")
    id = frozen.output.strip()
    healthy = web.client()
    healthy.register("Healthy", ("Other",))
    hash = web.enqueue()
    eventually(lambda: web.item(hash)["Status"] == "Running")
    frozen.pause()
    # Meanwhile the healthy one is read from, and so answers pings.
    healthy.wire.settimeout(0.2)

    def gone() -> bool:
        with suppress(websocket.WebSocketTimeoutException):
            healthy.wire.recv()
        return int(transport.hget("uv:presence:hub", id) or 0) < 0

    eventually(gone)
    web.round()
    eventually(lambda: web.item(hash)["Status"] == "Pending")
    healthy.wire.settimeout(PATIENCE)
    healthy.say(Action="BeaconHeartbeat", RequestID=1)
    assert healthy.next("Answer")["HttpStatus"] == 200


def test_the_server_says_goodbye_and_ends_in_time_with_what_was_said_carried_out(web: Web) -> None:
    client = web.client()
    client.register()
    hash = web.enqueue()
    client.next("WorkItem")
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    assert web.process.stop(within=10) == 0
    assert client.closed()[0] == 1001
    assert status_of(web.worker, hash) == "Complete"


def test_a_socket_holds_no_thread_and_500_beacons_cost_little(web: Web) -> None:
    web.client().register("First")
    process = psutil.Process(web.process.pid).children()[0]
    threads, memory = process.num_threads(), process.memory_info().rss
    with Crowd(web.port, 500) as crowd:
        crowd.register()
        assert crowd.registered == 500
        grown = process.memory_info().rss - memory
        assert process.num_threads() - threads <= 70, "gunicorn's own threads are all there is"
        assert grown < 30 * 2**20, "14 KiB each where it was first measured"
        hashes = {web.enqueue(AffinityKey=f"crowd-{number}", RequireAffinityMatch=True) for number in range(0, 500, 25)}
        assert crowd.items(len(hashes)) == hashes
        assert web.ask("GET", "/healthz")[0] == 200, "web_threads are free"


def test_nothing_of_a_handshake_is_left_with_the_server(web: Web) -> None:
    for _ in range(30):
        web.client().register()
    process = psutil.Process(web.process.pid).children()[0]
    for client in web.clients:
        client.cut()
    eventually(lambda: not [line for line in process.net_connections("tcp") if line.laddr.port == web.port and line.raddr])
