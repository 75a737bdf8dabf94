"""Files of items at work, over HTTP: brought, listed, fetched, declined."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.content import taking
from app.reading import recorded
from schema.content.commands import CHUNK_BYTES
from schema.content.tables import blob, chunk, upload
from schema.hub.tables import artifact
from tests.app.hub.test_work import enqueue, post, register
from tests.app.worker import Worker

pytestmark = pytest.mark.usefixtures("worker")

DATA = Random(2).randbytes(CHUNK_BYTES + 1000)
DIGEST = sha256(DATA).hexdigest()
TRICKS = ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\x", ".", "..", "a/b/c.bin", "~/x", "%2e%2e%2fx", "con", "-rf", "a;b|c`d`"]


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "UV_MAX_UPLOAD": str(2 * CHUNK_BYTES)}


@pytest.fixture
def work(client: FlaskClient) -> tuple[str, str]:
    """A beacon, and an item that it holds."""
    beacon = register(client)
    return beacon, enqueue(client)


def bring(client: FlaskClient, hash: str, data: bytes = DATA, **headers: str) -> TestResponse:
    said = {"Content-Type": "application/octet-stream", "X-Output-Filename": "out.bin", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return client.post(f"/Beacon/Work/{hash}/Upload", data=data, headers=said)


def said_digest(data: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(data).digest()).decode()}:"


def test_a_file_is_brought_listed_and_fetched(client: FlaskClient, work: tuple[str, str]) -> None:
    beacon, hash = work
    answer = bring(client, hash, Content_Type="image/png", X_Output_Filename="frame.png", Content_Digest=said_digest(DATA))
    assert answer.status_code == 200, answer.get_json()
    told = answer.get_json()
    assert (told["Success"], told["Filename"], told["Digest"], told["Size"], told["BeaconID"]) == (True, "frame.png", DIGEST, len(DATA), beacon)
    listed = client.get(f"/Beacon/Work/{hash}/Artifacts").get_json()
    assert listed == {"WorkItemHash": hash, "Artifacts": [{name: value for name, value in told.items() if name != "Success"}]}
    fetched = client.get(told["FilePath"])
    assert fetched.data == DATA
    assert (fetched.headers["Content-Type"], fetched.headers["ETag"], fetched.headers["Content-Length"]) == (
        "image/png",
        f'"{DIGEST}"',
        str(len(DATA)),
    )
    assert fetched.headers["Content-Disposition"] == "attachment; filename=frame.png"
    assert "sandbox" in fetched.headers.getlist("Content-Security-Policy")[0]
    assert client.head(told["FilePath"]).headers["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        (f"bytes={CHUNK_BYTES - 5}-{CHUNK_BYTES + 4}", CHUNK_BYTES - 5, CHUNK_BYTES + 5),
        (f"bytes={CHUNK_BYTES}-{CHUNK_BYTES}", CHUNK_BYTES, CHUNK_BYTES + 1),
        (f"bytes={CHUNK_BYTES + 3}-", CHUNK_BYTES + 3, len(DATA)),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=5-99999999", 5, len(DATA)),
    ],
)
def test_a_range_is_that_part_of_it(client: FlaskClient, work: tuple[str, str], asked: str, start: int, end: int) -> None:
    path = bring(client, work[1]).get_json()["FilePath"]
    part = client.get(path, headers={"Range": asked})
    assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes {start}-{end - 1}/{len(DATA)}")
    assert part.data == DATA[start:end]
    assert part.headers["Content-Length"] == str(end - start)


def test_what_is_known_already_is_not_sent_again(client: FlaskClient, work: tuple[str, str]) -> None:
    path = bring(client, work[1]).get_json()["FilePath"]
    same = client.get(path, headers={"If-None-Match": f'"{DIGEST}"'})
    assert (same.status_code, same.data) == (304, b"")
    other = client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, DATA)
    beyond = client.get(path, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.get_json()["Code"]) == (416, "bad_request")


def test_a_download_asks_for_the_row_and_for_each_chunk_once(app: Flask, client: FlaskClient, work: tuple[str, str]) -> None:
    path = bring(client, work[1]).get_json()["FilePath"]
    with recorded() as statements:
        assert client.get(path).data == DATA
    assert len(statements) == 1 + 2, statements
    with recorded() as statements:
        assert client.get(path, headers={"Range": f"bytes={CHUNK_BYTES}-"}).data == DATA[CHUNK_BYTES:]
    assert len(statements) == 2, statements


def test_the_same_file_again_is_the_same_answer_and_one_row(client: FlaskClient, worker: Worker, work: tuple[str, str]) -> None:
    _, hash = work
    first = bring(client, hash, Idempotency_Key="k")
    again = bring(client, hash, Idempotency_Key="k")
    assert first.get_json() == again.get_json()
    post(client, f"/Beacon/Work/{hash}/Complete", Outputs={})
    assert bring(client, hash, Idempotency_Key="k").get_json() == first.get_json()
    assert (worker.count(artifact), worker.count(blob)) == (1, 1)
    assert _refs(worker) == {DIGEST: 1}


def test_another_file_of_that_name_takes_its_place(client: FlaskClient, worker: Worker, work: tuple[str, str]) -> None:
    _, hash = work
    old = bring(client, hash).get_json()["FilePath"]
    new = bring(client, hash, b"new").get_json()
    assert [row["Digest"] for row in client.get(f"/Beacon/Work/{hash}/Artifacts").get_json()["Artifacts"]] == [new["Digest"]]
    assert client.get(old).status_code == 404
    assert _refs(worker) == {DIGEST: 0, new["Digest"]: 1}


def test_two_items_share_one_content(client: FlaskClient, worker: Worker, work: tuple[str, str]) -> None:
    other = enqueue(client)
    assert bring(client, work[1]).get_json()["Digest"] == bring(client, other, X_Output_Filename="other").get_json()["Digest"]
    assert _refs(worker) == {DIGEST: 2}
    assert worker.count(blob) == 1


def _refs(worker: Worker) -> dict[str, int]:
    with worker.kernel.engine.connect() as connection:
        return {row.digest: row.refs for row in connection.execute(blob.select())}


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_is_a_text_and_never_a_path(client: FlaskClient, work: tuple[str, str], name: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    told = bring(client, work[1], b"x", X_Output_Filename=name).get_json()
    assert told["Filename"] == name
    fetched = client.get(told["FilePath"])
    saved = fetched.headers["Content-Disposition"]
    assert fetched.data == b"x"
    assert not any(sign in saved.partition("filename=")[2].strip('"') for sign in ("/", "\\", ".."))
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "db" not in path.name] == []


def test_a_name_may_be_in_any_language(client: FlaskClient, work: tuple[str, str]) -> None:
    told = bring(client, work[1], b"x", X_Output_Filename="Übung 一.txt".encode().decode("latin-1")).get_json()
    assert told["Filename"] == "Übung 一.txt"
    assert "filename*=UTF-8''%C3%9Cbung%20%E4%B8%80.txt" in client.get(told["FilePath"]).headers["Content-Disposition"]


def _nothing_kept(worker: Worker) -> None:
    with worker.kernel.engine.connect() as connection:
        assert connection.execute(upload.select().where(upload.c.state == "Open")).first() is None
    assert (worker.count(artifact), worker.count(blob), worker.count(chunk)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"", {}, 400, "bad_request"),
        (b"abc", {"Content_Digest": said_digest(b"abd")}, 422, "wrong_digest"),
        (DATA, {"Content_Digest": said_digest(b"abd")}, 422, "wrong_digest"),
        (b"abc", {"Content_Digest": "sha-256=:AAAA:"}, 400, "bad_request"),
        (b"abc", {"Content_Digest": "sha-256=abc"}, 400, "bad_request"),
        (b"abc", {"X_Output_Filename": "a\x07b"}, 400, "bad_request"),
        (b"abc", {"X_Output_Filename": "a" * 256}, 400, "bad_request"),
        (b"abc", {"X_Output_Filename": ""}, 400, "bad_request"),
        (b"abc", {"X_Attempt_Number": "one"}, 400, "bad_request"),
        (b"abc", {"X_Attempt_Number": "7"}, 409, "superseded"),
        (b"abc", {"X_Beacon_ID": "somebody-else"}, 409, "superseded"),
        (bytes(2 * CHUNK_BYTES + 1), {}, 413, "too_large"),
    ],
)
def test_what_is_declined_leaves_nothing(
    client: FlaskClient, worker: Worker, work: tuple[str, str], data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = bring(client, work[1], data, **headers)
    assert (answer.status_code, answer.get_json()["Code"]) == (status, code)
    worker.stop()
    for _ in range(3):
        worker.flush()
    _nothing_kept(worker)


def test_a_file_as_large_as_is_allowed_is_kept(client: FlaskClient, work: tuple[str, str]) -> None:
    assert bring(client, work[1], bytes(2 * CHUNK_BYTES)).status_code == 200


def test_an_item_that_is_not_at_work_takes_no_file(client: FlaskClient, worker: Worker) -> None:
    hash = enqueue(client)
    assert bring(client, hash).get_json()["Code"] == "superseded"
    assert bring(client, "wi-none").status_code == 404
    assert client.get("/Beacon/Work/wi-none/Artifacts").status_code == 404
    assert client.get(f"/Beacon/Work/{hash}/Artifacts").get_json()["Artifacts"] == []
    for digest in (DIGEST, "..", "x" * 64):
        assert client.get(f"/Beacon/Work/{hash}/Artifacts/{digest}").status_code == 404
    _nothing_kept(worker)


def test_an_item_that_ended_while_its_file_came_takes_it_no_more(client: FlaskClient, worker: Worker, work: tuple[str, str]) -> None:
    _, hash = work
    bring(client, hash, b"first", X_Output_Filename="first")
    post(client, f"/Beacon/Work/{hash}/Complete", Outputs={})
    answer = bring(client, hash, b"second", X_Output_Filename="second")
    assert (answer.status_code, answer.get_json()["Code"]) == (409, "already_final")
    assert worker.count(artifact) == 1


def test_too_many_files_at_once_are_sent_away(client: FlaskClient, work: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "TURN_SECONDS", 0.01)
    for _ in range(taking.AT_ONCE):
        taking._places.acquire()
    try:
        answer = bring(client, work[1])
    finally:
        for _ in range(taking.AT_ONCE):
            taking._places.release()
    assert (answer.status_code, answer.get_json()["Code"]) == (503, "overloaded")
    assert answer.headers["Retry-After"]
