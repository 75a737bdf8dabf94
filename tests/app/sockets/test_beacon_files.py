"""The product's own beacon hands files out: over HTTP, over its socket, over whichever suits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tests.app.sockets.conftest import Web
from tests.app.sockets.test_uploads import fetched
from tests.architecture.house import ROOT
from tests.services.processes import Process, eventually

Start = Callable[..., Process]


@pytest.fixture
def start_beacon(web: Web, launch: Callable[..., Process]) -> Start:
    def start(transport: str, provider: str = "Shell") -> Process:
        server = f"http://127.0.0.1:{web.port}"
        options = ("--server", server, "--name", "hand", "--provider", provider, "--transport", transport)
        return launch(sys.executable, "-m", "beacon", *options, cwd=ROOT, ready="registered")

    return start


def ended(web: Web, hash: str) -> dict[str, Any]:
    return eventually(lambda: (item := web.item(hash))["Status"] in ("Complete", "Error") and item)


def files(web: Web, hash: str) -> list[dict[str, Any]]:
    return list(web.ask("GET", f"/Beacon/Work/{hash}/Artifacts")[1]["Artifacts"])


def make(size: int) -> str:
    return f"head -c {size} /dev/urandom > out.bin && sha256sum < out.bin"


@pytest.mark.parametrize(("transport", "size"), [("http", 3_000_000), ("websocket", 3_000_000), ("auto", 3_000_000), ("auto", 20_000_000)])
def test_a_file_that_the_item_asks_for_is_there_when_the_item_is_complete(web: Web, start_beacon: Start, transport: str, size: int) -> None:
    start_beacon(transport)
    hash = web.enqueue(Settings={"Command": make(size), "OutputFilename": "out.bin"})
    item = ended(web, hash)
    assert item["Status"] == "Complete", item["LastError"]
    (file,) = files(web, hash)
    assert (file["Filename"], file["Size"], file["AttemptNumber"]) == ("out.bin", size, 1)
    assert file["Digest"] == str(item["Result"]["Outputs"]["StdOut"])[:64]
    assert sha256(fetched(web, file["FilePath"])).hexdigest() == file["Digest"]


@pytest.mark.parametrize("transport", ["http", "websocket"])
def test_a_provider_attaches_files_under_names_of_its_own(web: Web, start_beacon: Start, transport: str) -> None:
    start_beacon(transport, "tests.beacon.attaching:Attaching")
    hash = web.enqueue(Capability="Attaching", Action="Do")
    assert ended(web, hash)["Status"] == "Complete"
    found = files(web, hash)
    assert [(file["Filename"], file["ContentType"]) for file in found] == [("Übung/1.txt", "text/plain"), ("Übung/2.txt", "text/plain")]
    assert [fetched(web, file["FilePath"]) for file in found] == [b"file 1", b"file 2"]
    hash = web.enqueue(Capability="Attaching", Action="Do", Settings={"Missing": True})
    item = ended(web, hash)
    assert (item["Status"], "missing cannot be read" in item["LastError"]) == ("Error", True)


def test_a_link_out_of_the_work_folder_is_not_followed(web: Web, start_beacon: Start) -> None:
    start_beacon("http")
    hash = web.enqueue(Settings={"Command": "ln -s /etc/passwd out.bin", "OutputFilename": "out.bin"})
    assert ended(web, hash)["Status"] == "Complete"
    assert files(web, hash) == []


def test_a_file_that_the_hub_does_not_take_fails_the_attempt(start_web: Callable[..., Web], launch: Callable[..., Process]) -> None:
    web = start_web(UV_MAX_UPLOAD="100000")
    options = ("--server", f"http://127.0.0.1:{web.port}", "--name", "hand", "--provider", "Shell")
    launch(sys.executable, "-m", "beacon", *options, cwd=ROOT, ready="registered")
    for size in (100_001, 20_000_000):
        hash = web.enqueue(Settings={"Command": make(size), "OutputFilename": "out.bin"}, MaxAttempts=1)
        item = ended(web, hash)
        assert (item["Status"], "larger" in item["LastError"]) == ("Error", True), item["LastError"]
        assert files(web, hash) == []
