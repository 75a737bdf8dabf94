"""Files over sockets, and files over a real server: as the original's client sends them, and as nobody should."""

from __future__ import annotations

import socket
from hashlib import sha256
from http.client import HTTPConnection
from random import Random
from typing import Any

import pytest

from schema.content.commands import CHUNK_BYTES
from schema.content.tables import blob, chunk
from schema.hub.tables import artifact
from tests.app.sockets.client import Client
from tests.app.sockets.conftest import Web
from tests.services.processes import PATIENCE, eventually

DATA = Random(4).randbytes(3 * CHUNK_BYTES + 5)


@pytest.fixture
def at_work(web: Web) -> tuple[Client, str]:
    """A beacon's socket, and an item that it holds."""
    client = web.client()
    client.register(MaxConcurrent=2)
    hash = web.enqueue()
    client.next("WorkItem")
    return client, hash


def send_file(client: Client, hash: str, data: bytes = DATA, **more: Any) -> Client:
    client.say(**({"Action": "WorkResultUpload", "WorkItemHash": hash, "OutputFilename": "a.bin", "OutputSize": len(data)} | more))
    return client.raw(data, opcode=2)


def acknowledged(client: Client) -> dict[str, Any]:
    return client.next("WorkResultUploadAck")


def fetched(web: Web, path: str) -> bytes:
    line = HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE)
    line.request("GET", path)
    data = line.getresponse().read()
    line.close()
    return data


def test_a_file_is_kept_and_acknowledged(web: Web, at_work: tuple[Client, str]) -> None:
    client, hash = at_work
    send_file(client, hash, RequestID=7, ContentType="image/png")
    told = acknowledged(client)
    assert (told["Action"], told["Success"], told["RequestID"], told["WorkItemHash"]) == ("WorkResultUploadAck", True, 7, hash)
    (listed,) = web.ask("GET", f"/Beacon/Work/{hash}/Artifacts")[1]["Artifacts"]
    assert (listed["Digest"], listed["ContentType"], listed["Filename"]) == (sha256(DATA).hexdigest(), "image/png", "a.bin")
    assert fetched(web, told["FilePath"]) == DATA


def test_a_result_that_follows_its_file_at_once_waits_for_it(web: Web, at_work: tuple[Client, str]) -> None:
    """As the original's client does: it never listens to the acknowledgement."""
    client, hash = at_work
    send_file(client, hash)
    send_file(client, hash, b"second", OutputFilename="b.bin")
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    assert eventually(lambda: web.item(hash)["Status"] == "Complete")
    assert [row["Filename"] for row in web.ask("GET", f"/Beacon/Work/{hash}/Artifacts")[1]["Artifacts"]] == ["a.bin", "b.bin"]
    client.say(Action="BeaconHeartbeat", RequestID="still here")
    assert client.until(lambda frame: frame.get("RequestID") == "still here")["HttpStatus"] == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"OutputSize": len(DATA) + 1}, "bad_request"),
        ({"WorkItemHash": "wi-none"}, "not_found"),
        ({"AttemptNumber": 9}, "superseded"),
    ],
)
def test_what_is_not_as_announced_or_not_ours_is_declined(web: Web, at_work: tuple[Client, str], more: dict[str, Any], code: str) -> None:
    client, hash = at_work
    send_file(client, hash, **more)
    told = acknowledged(client)
    assert (told["Success"], told["Code"]) == (False, code), told
    assert web.worker.count(artifact) == 0


def test_shapes_and_sizes_are_judged_before_anything_is_sent(web: Web, at_work: tuple[Client, str]) -> None:
    client, hash = at_work
    client.say(Action="WorkResultUpload", WorkItemHash=hash, OutputFilename="a\u0000", OutputSize=1)
    assert client.next("Error")["Code"] in ("bad_request", "bad_json")
    client.say(Action="WorkResultUpload", WorkItemHash=hash, OutputFilename="a", OutputSize=10**12)
    assert acknowledged(client)["Code"] == "too_large"
    client.raw(b"unannounced", opcode=2)
    assert client.next("Error")["Code"] == "bad_request"
    assert (web.worker.count(artifact), web.worker.count(chunk)) == (0, 0)


def raw_upload(web: Web, hash: str, head: str, body: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE)
    line.sendall(f"POST /Beacon/Work/{hash}/Upload HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode() + body)
    return line


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"Content-Length: {len(DATA)}", DATA[: 2 * CHUNK_BYTES]),
        ("Transfer-Encoding: chunked", b"%x\r\n" % len(DATA) + DATA[: 2 * CHUNK_BYTES]),
        ("Transfer-Encoding: chunked", b"%x\r\n" % CHUNK_BYTES + DATA[:CHUNK_BYTES] + b"\r\n"),
    ],
)
def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(web: Web, at_work: tuple[Client, str], head: str, body: bytes) -> None:
    _, hash = at_work
    line = raw_upload(web, hash, head, body)
    assert eventually(lambda: web.worker.count(chunk) > 0)
    line.close()
    assert eventually(lambda: web.worker.count(chunk) == 0)
    assert (web.worker.count(artifact), web.worker.count(blob)) == (0, 0)


def test_a_body_without_a_length_is_counted_as_it_comes(web: Web, at_work: tuple[Client, str]) -> None:
    _, hash = at_work
    line = raw_upload(web, hash, "Transfer-Encoding: chunked", b"%x\r\n" % len(DATA) + DATA + b"\r\n0\r\n\r\n")
    assert line.recv(12) == b"HTTP/1.1 200"
    line.close()
    assert web.ask("GET", f"/Beacon/Work/{hash}/Artifacts")[1]["Artifacts"][0]["Size"] == len(DATA)
