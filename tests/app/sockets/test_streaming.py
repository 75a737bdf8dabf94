"""DispatchStream on a real server: frames in their order, callers who hang up, callers who are slow."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import orjson
import psutil
import pytest
import redis

from schema.envelope import FRAMES_KEPT
from schema.hub.frames import INTERMEDIATE_BYTES
from tests.app.sockets.conftest import Web, status_of
from tests.services.processes import PATIENCE, eventually

PROGRESS, INTERMEDIATE, FINAL, RESULT, ERROR = range(1, 6)


class Caller:
    """One call of DispatchStream, frame by frame."""

    def __init__(self, web: Web, key: str | None = None, **body: Any) -> None:
        self.line = HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        self.line.request("POST", "/Beacon/Work/DispatchStream", orjson.dumps({"Capability": "Shell", **body}), headers)
        self.sock = self.line.sock
        self.response: HTTPResponse = self.line.getresponse()

    def frame(self) -> tuple[int, bytes]:
        head = self.response.read(5)
        return head[0], self.response.read(int.from_bytes(head[1:]))

    def rest(self) -> list[tuple[int, bytes]]:
        found = []
        while head := self.response.read(5):
            found.append((head[0], self.response.read(int.from_bytes(head[1:]))))
        return found

    def hang_up(self) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        self.response.close()
        self.line.close()


def called(web: Web, key: str | None = None, **body: Any) -> Caller:
    return Caller(web, key, **body)


@pytest.fixture
def ada(web: Web) -> str:
    return str(
        web.ask("POST", "/Beacon/Register", {"Name": "ada", "Capabilities": ["Shell"], "MaxConcurrent": 9, "HeartbeatIntervalMs": 600_000})[1][
            "BeaconID"
        ]
    )


def work(web: Web, beacon: str) -> str:
    """The hash of the next item."""
    item = web.ask("POST", "/Beacon/Work/Poll", {"BeaconID": beacon, "waitMs": 10_000})[1]["WorkItem"]
    return str(item["WorkItemHash"])


def tell(web: Web, hash: str, what: str, **body: Any) -> tuple[int, Any]:
    return web.ask("POST", f"/Beacon/Work/{hash}/{what}", body)


def data(text: bytes) -> str:
    return b64encode(text).decode()


def test_each_word_of_the_beacon_comes_as_it_is_said_and_the_result_last(web: Web, ada: str) -> None:
    with closing(called(web)) as caller:
        assert caller.response.status == 200
        assert caller.response.headers["X-Ultravisor-Protocol"] == "binary-frames-v1"
        assert caller.response.headers["Content-Type"] == "application/octet-stream"
        hash = work(web, ada)
        tell(web, hash, "Progress", Percent=10, Message="one", Log=["a"], BinaryData=data(b"\x00half"))
        kind, told = caller.frame()
        assert (kind, orjson.loads(told)["Percent"], orjson.loads(told)["Log"]) == (PROGRESS, 10, ["a"])
        assert caller.frame() == (INTERMEDIATE, b"\x00half")
        tell(web, hash, "Progress", Percent=20)
        assert caller.frame()[0] == PROGRESS
        tell(web, hash, "Complete", Outputs={"ExitCode": 0, "OutputData": data(b"all of it")}, Log=["done"])
        assert caller.frame() == (FINAL, b"all of it")
        kind, told = caller.frame()
        assert kind == RESULT
        assert orjson.loads(told) == {"Success": True, "WorkItemHash": hash, "Outputs": {"ExitCode": 0}, "Log": ["done"]}
        assert caller.rest() == []


def test_output_that_is_no_base64_stays_where_it_is(web: Web, ada: str) -> None:
    with closing(called(web)) as caller:
        tell(web, work(web, ada), "Complete", Outputs={"OutputData": "not base64!"})
        ((kind, told),) = caller.rest()
        assert (kind, orjson.loads(told)["Outputs"]) == (RESULT, {"OutputData": "not base64!"})


def test_an_end_without_a_result_is_an_error_frame(web: Web, ada: str) -> None:
    with closing(called(web)) as caller:
        tell(web, work(web, ada), "Error", ErrorMessage="broken")
        ((kind, told),) = caller.rest()
        assert (kind, orjson.loads(told)["Error"], orjson.loads(told)["Status"]) == (ERROR, "broken", "Error")
    with closing(called(web)) as caller:
        hash = work(web, ada)
        tell(web, hash, "Cancel", Reason="enough")
        tell(web, hash, "Complete")
        ((kind, told),) = caller.rest()
        assert (kind, orjson.loads(told)["Error"]) == (ERROR, "canceled: enough")
    with closing(called(web, TimeoutMs=300)) as caller:
        ((kind, told),) = caller.rest()
        assert (kind, orjson.loads(told)["Code"]) == (ERROR, "wait_over")


def test_what_is_refused_is_refused_before_the_stream_begins(web: Web, ada: str) -> None:
    for body, status, code in (({"Capability": "Nobody"}, 503, "no_beacon"), ({"TimeoutMs": "x"}, 422, "invalid")):
        with closing(called(web, **body)) as caller:
            assert (caller.response.status, orjson.loads(caller.response.read())["Code"]) == (status, code)


def test_the_same_key_again_is_the_same_item_and_its_end(web: Web, ada: str) -> None:
    with closing(called(web, key="k")) as caller:
        tell(web, work(web, ada), "Complete", Outputs={"n": 1})
        first = caller.rest()
    with closing(called(web, key="k")) as again:
        assert again.rest() == first


def test_a_caller_who_hangs_up_leaves_the_work_going_on(web: Web, ada: str, transport: redis.Redis) -> None:
    caller = called(web)
    hash = work(web, ada)
    assert transport.exists(f"uv:listened:{hash}")
    caller.hang_up()
    assert eventually(lambda: not transport.exists(f"uv:listened:{hash}"))
    assert tell(web, hash, "Progress", Percent=50, BinaryData=data(b"x"))[0] == 200
    assert not transport.exists(f"uv:stream:{hash}"), "what nobody hears is not kept"
    assert tell(web, hash, "Complete")[1]["Status"] == "Completed"


def test_a_caller_who_wants_it_takes_the_work_with_him(web: Web, ada: str) -> None:
    caller = called(web, CancelOnDisconnect=True)
    hash = work(web, ada)
    caller.hang_up()
    assert eventually(lambda: web.item(hash)["CancelRequested"])
    assert web.item(hash)["CancelReason"] == "the caller hung up"
    assert tell(web, hash, "Complete")[1]["Status"] == "Canceled"
    with closing(called(web, CancelOnDisconnect=True)) as done:
        hash = work(web, ada)
        tell(web, hash, "Complete")
        done.rest()
    web.round()
    assert status_of(web.worker, hash) == "Complete"


def test_a_broker_that_is_emptied_costs_frames_and_not_the_end(web: Web, ada: str, transport: redis.Redis) -> None:
    with closing(called(web)) as caller:
        hash = work(web, ada)
        transport.flushall()
        tell(web, hash, "Complete", Outputs={"n": 1})
        kind, told = caller.rest()[-1]
        assert (kind, orjson.loads(told)["Outputs"]) == (RESULT, {"n": 1})


def sent_until_full(web: Web, hash: str, most: int) -> Iterator[int]:
    """Intermediate frames as large as they may be, one after another; the statuses that they are answered with."""
    block = data(bytes(INTERMEDIATE_BYTES))
    for _ in range(most):
        yield tell(web, hash, "Progress", Percent=1, BinaryData=block)[0]


def test_a_slow_caller_holds_his_beacon_back_and_nobodys_memory_grows(web: Web, ada: str, transport: redis.Redis) -> None:
    caller = called(web)
    hash = work(web, ada)
    before = max(child.memory_info().rss for child in psutil.Process(web.process.pid).children())
    statuses = []
    for status in sent_until_full(web, hash, 4 * FRAMES_KEPT):
        statuses.append(status)
        if status == 429:
            break
    assert set(statuses) == {200, 429}
    assert transport.llen(f"uv:stream:{hash}") <= FRAMES_KEPT
    assert max(child.memory_info().rss for child in psutil.Process(web.process.pid).children()) - before < 64 * INTERMEDIATE_BYTES
    caller.frame()
    for _ in range(FRAMES_KEPT):
        caller.frame()
    assert eventually(lambda: tell(web, hash, "Progress", Percent=2, BinaryData=data(b"on"))[0] == 200)
    tell(web, hash, "Complete", Outputs={"n": 1})
    frames = caller.rest()
    assert (frames[-1][0], orjson.loads(frames[-1][1])["Outputs"]) == (RESULT, {"n": 1})
    caller.close()


@pytest.mark.parametrize("binary", ["not base64!", data(bytes(INTERMEDIATE_BYTES + 4))])
def test_what_fits_into_no_frame_is_refused(web: Web, ada: str, binary: str) -> None:
    with closing(called(web)) as caller:
        hash = work(web, ada)
        assert tell(web, hash, "Progress", BinaryData=binary)[1]["Code"] == "invalid"
        tell(web, hash, "Complete")
        assert [kind for kind, _ in caller.rest()] == [RESULT]


def test_a_beacon_on_a_socket_is_heard_as_well(web: Web) -> None:
    client = web.client()
    client.register()
    with closing(called(web)) as caller:
        hash = client.next("WorkItem")["WorkItem"]["WorkItemHash"]
        client.say(Action="WorkProgress", WorkItemHash=hash, ProgressData={"Percent": 1, "BinaryData": data(b"abc")})
        client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
        assert [kind for kind, _ in caller.rest()] == [PROGRESS, INTERMEDIATE, RESULT]
