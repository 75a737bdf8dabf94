"""A large file on its way through all processes: memory stays flat, and what dies on the way costs nothing but time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

import orjson
import psutil
import pytest
import redis
import sqlalchemy as sa

from bench.chaos.house import House, settings_for
from schema.content.commands import CHUNK_BYTES
from tasks import unit
from tests.services.processes import PATIENCE
from ultravisor import here

SOON = 40.0
#: A megabyte that repeats itself after a prime number of bytes: cheap to make, and no two chunks of it are alike.
BLOCK = Random(3).randbytes(1_048_573)
#: What one process may grow by while a file of a hundred megabytes goes through it: a few chunks in their various forms.
ROOM = 40_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A hub with all that it needs, but without beacons."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    house = House(settings_for(tmp_path / "hub", database))
    house.start("redis", "worker", "beat", "web")
    assert house.mind_until(lambda: ask(house, "GET", "/readyz")[0] == 200, SOON), f"logs in {house.data / 'logs'}"
    yield house
    house.kill()


def line_to(house: House) -> HTTPConnection:
    return HTTPConnection(*here.reachable(house.settings.address), timeout=PATIENCE)


def ask(house: House, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    line = line_to(house)
    try:
        line.request(method, path, None if body is None else orjson.dumps(body), {"Content-Type": "application/json"})
        response = line.getresponse()
        return response.status, orjson.loads(response.read())
    except OSError as trouble:
        return 0, str(trouble)
    finally:
        line.close()


def item_at_work(house: House) -> str:
    ask(house, "POST", "/Beacon/Register", {"Name": "a", "Capabilities": ["Shell"], "HeartbeatIntervalMs": 600_000})
    hash = str(ask(house, "POST", "/Beacon/Work/Enqueue", {"Capability": "Shell"})[1]["WorkItemHash"])
    assert house.mind_until(lambda: ask(house, "GET", f"/Beacon/Work/{hash}")[1].get("Status") == "Running", SOON)
    return hash


def pieces(blocks: int, between: Callable[[int], None]) -> Iterator[bytes]:
    for number in range(blocks):
        between(number)
        yield BLOCK


def bring(house: House, hash: str, blocks: int, between: Callable[[int], None] = lambda _: None) -> tuple[int, Any]:
    """Send so many blocks, without a length, and do something between them."""
    line = HTTPConnection(*here.reachable(house.settings.address), timeout=SOON)
    with closing(line):
        line.request("POST", f"/Beacon/Work/{hash}/Upload", pieces(blocks, between), {"X-Output-Filename": "film"}, encode_chunked=True)
        response = line.getresponse()
        return response.status, orjson.loads(response.read())


def digest_of(blocks: int) -> str:
    whole = sha256()
    for _ in range(blocks):
        whole.update(BLOCK)
    return whole.hexdigest()


def fetched_digest(house: House, path: str) -> str:
    line, whole = line_to(house), sha256()
    line.request("GET", path)
    response = line.getresponse()
    while part := response.read(65_536):
        whole.update(part)
    line.close()
    return whole.hexdigest()


def rows(house: House, statement: str) -> list[tuple[Any, ...]]:
    engine = unit.connect(house.settings.database_url)
    with unit.look(engine) as connection:
        found = [tuple(row) for row in connection.execute(sa.text(statement))]
    engine.dispose()
    return found


def audit(house: House, blocks: int) -> None:
    """One blob, its chunks without a gap, one row that refers to it, and nothing in the journal."""
    ((digest, size, refs, upload),) = rows(house, "SELECT digest, size, refs, upload_id FROM content_blob")
    assert (digest, int(size), refs) == (digest_of(blocks), blocks * len(BLOCK), 1)
    numbers = rows(house, f"SELECT number FROM content_chunk WHERE upload_id = '{upload}' ORDER BY number")
    assert [row[0] for row in numbers] == list(range(-(-int(size) // CHUNK_BYTES)))
    assert rows(house, "SELECT digest FROM hub_artifact") == [(digest,)]
    assert rows(house, "SELECT id FROM ledger_dead_letter") == []
    assert fetched_digest(house, str(ask(house, "GET", f"/Beacon/Work/{_item(house)}/Artifacts")[1]["Artifacts"][0]["FilePath"])) == digest


def _item(house: House) -> str:
    return str(rows(house, "SELECT work_item_hash FROM hub_artifact")[0][0])


def resident(house: House, name: str) -> int:
    """Bytes of the largest process of a role."""
    return max(psutil.Process(pid).memory_info().rss for pid in house.processes(name))


def broker_memory(house: House) -> int:
    with redis.Redis.from_url(house.settings.redis_url) as client:
        return int(client.info("memory")["used_memory"])  # type: ignore[index]  # the client is synchronous


def test_a_hundred_megabytes_go_through_without_lying_in_anybodys_memory(house: House) -> None:
    hash = item_at_work(house)
    assert bring(house, hash, 2)[0] == 200  # whatever is loaded with the first file is there from now on
    before = {name: resident(house, name) for name in ("web", "worker")}
    most, broker = dict(before), 0
    start = broker_memory(house)

    def measure(_: int) -> None:
        nonlocal broker
        broker = max(broker, broker_memory(house) - start)
        for name in most:
            most[name] = max(most[name], resident(house, name))

    status, told = bring(house, hash, 100, measure)
    assert (status, told["Size"]) == (200, 100 * len(BLOCK)), told
    grown = {name: most[name] - before[name] for name in most} | {"redis": broker}
    assert all(size < ROOM for size in grown.values()), grown
    assert fetched_digest(house, told["FilePath"]) == digest_of(100)
    measure(0)
    assert all(most[name] - before[name] < ROOM for name in most), "the way out is as narrow as the way in"
    assert house.ended_unasked == []


def sent_while(house: House, hash: str, blocks: int, deed: Callable[[int], None]) -> tuple[int, Any]:
    """Send from another thread, since this one must look after the processes; `deed` is done here when a third has gone."""
    reached: Future[None] = Future()

    def between(number: int) -> None:
        if number == blocks // 3:
            reached.set_result(None)

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(bring, house, hash, blocks, between)
        assert house.mind_until(reached.done, SOON)
        deed(blocks)
        assert house.mind_until(answer.done, SOON)
        return answer.result()


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(house: House) -> None:
    hash = item_at_work(house)
    status, told = sent_while(house, hash, 30, lambda _: house.hurt("worker", signal.SIGKILL, house.processes("worker")))
    assert status == 200, told
    audit(house, 30)


def test_a_broker_that_is_emptied_in_the_middle_costs_nothing(house: House) -> None:
    hash = item_at_work(house)

    def empty(_: int) -> None:
        with redis.Redis.from_url(house.settings.redis_url) as client:
            client.flushall()

    status, told = sent_while(house, hash, 30, empty)
    assert status == 200, told
    audit(house, 30)


def test_a_web_process_that_is_killed_in_the_middle_leaves_nothing_that_can_be_seen(house: House) -> None:
    hash = item_at_work(house)
    deed: Callable[[int], None] = lambda _: house.hurt("web", signal.SIGKILL, house.processes("web"))  # noqa: E731 - one line says it
    with pytest.raises(OSError):
        sent_while(house, hash, 30, deed)
    assert house.mind_until(lambda: ask(house, "GET", f"/Beacon/Work/{hash}/Artifacts")[1] == {"WorkItemHash": hash, "Artifacts": []}, SOON)
    assert rows(house, "SELECT digest FROM content_blob") == []
    status, told = bring(house, hash, 30)
    assert status == 200, told
    audit(house, 30)
