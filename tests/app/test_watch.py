"""Whoever watches sees every event once and in order, or is told to begin anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
import pytest
import redis
from flask import Flask

from app import tail as tails
from app import watch
from app.tail import Tail
from tests.services.broker import RedisServer
from tests.services.processes import PATIENCE, eventually


@dataclass
class Block:
    """One event as a browser would see it; `id` alone for the one that only tells where we stand."""

    id: str = ""
    event: str = ""
    data: str = ""

    @property
    def number(self) -> int:
        return int(orjson.loads(self.data)["Payload"]["n"])


class Stream:
    """An open event stream, read block by block."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._text = ""
        self.comments = 0

    def next(self) -> Block | None:
        """The next block with an id, None at the end."""
        while True:
            while "\n\n" not in self._text:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return None
                self._text += chunk.decode()
            text, _, self._text = self._text.partition("\n\n")
            lines = [line.partition(": ") for line in text.split("\n")]
            if text == ": ":
                self.comments += 1
                continue
            return Block(**{name: value for name, _, value in lines if name in ("id", "event", "data")})

    def take(self, count: int) -> list[Block]:
        blocks = [self.next() for _ in range(count)]
        assert None not in blocks
        return [block for block in blocks if block is not None]


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(tails, "BLOCK_MS", 50)
    monkeypatch.setattr(tails, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def open_stream(app: Flask) -> Callable[..., object]:
    @contextmanager
    def open_stream(topics: str = "queue", last: str | None = None) -> Iterator[Stream]:
        headers = {} if last is None else {"Last-Event-ID": last}
        response = app.test_client().get(f"/api/events?topics={topics}", headers=headers)
        assert (response.status_code, response.mimetype) == (200, "text/event-stream"), response.text
        try:
            yield Stream(iter(response.response))  # type: ignore[arg-type]  # bytes, as the app gives them
        finally:
            response.close()

    return open_stream


@pytest.fixture
def tell(transport: redis.Redis) -> Callable[..., str]:
    """Append an event as a flush does. Returns its stream id."""

    def tell(number: int, topic: str = "queue") -> str:
        transport.set("uv:epoch", "life-1", nx=True)
        event = {"Topic": f"{topic}.changed", "Payload": {"n": number}, "EventGUID": str(number), "EmittedAt": None}
        return str(transport.xadd(f"uv:events:{topic}", {"e": orjson.dumps(event)}, maxlen=5_000, approximate=True))

    return tell


def test_events_come_as_they_happen(open_stream, tell) -> None:
    tell(0)
    with open_stream() as stream:
        here = stream.next()
        assert (here.event, here.data) == ("", ""), "what happened before is not told"
        id = tell(1)
        block = stream.next()
    assert (block.id, block.event, block.number) == (f"life-1:{id}", "queue", 1)
    assert orjson.loads(block.data)["EventGUID"] == "1"


def test_one_run_alone_can_be_watched(open_stream, tell, transport: redis.Redis) -> None:
    tell(0, "run")
    with open_stream("run&run=run-1") as stream:
        stream.next()
        for run in ("run-1", "run-2", "run-1"):
            event = {"Topic": "execution.TaskStart", "Payload": {"RunHash": run}, "EventGUID": run, "EmittedAt": None}
            transport.xadd("uv:events:run", {"e": orjson.dumps(event)})
        assert [orjson.loads(block.data)["Payload"]["RunHash"] for block in stream.take(2)] == ["run-1", "run-1"]


def test_what_was_missed_is_told_first(open_stream, tell) -> None:
    tell(0)
    with open_stream() as stream:
        last = stream.next().id
    for number in range(1, 6):
        tell(number)
    with open_stream(last=last) as stream:
        assert [block.number for block in stream.take(6)[1:]] == [1, 2, 3, 4, 5]
        tell(6)
        assert stream.next().number == 6


def test_several_topics_are_resumed_each_from_its_place(open_stream, tell) -> None:
    with open_stream("queue,beacon") as stream:
        stream.next()
        tell(1, "queue")
        tell(2, "beacon")
        tell(3, "queue")
        seen = stream.take(2)
    with open_stream("beacon,queue", last=seen[-1].id) as stream:
        rest = stream.take(2)[1:]
    assert sorted(block.number for block in seen + rest) == [1, 2, 3]
    tell(4, "beacon")
    tell(5, "queue")
    tell(6, "beacon")
    with open_stream("queue,beacon", last=rest[-1].id) as stream:
        again = [block.number for block in stream.take(4)[1:]]
    assert sorted(again) == [4, 5, 6]
    assert [number for number in again if number != 5] == [4, 6], "each topic in its order"


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("life-0:1-1", "epoch"),
        ("", "epoch"),
        ("life-1:", "unknown"),
        ("life-1:nonsense", "unknown"),
        ("life-1:1-1,2-2", "unknown"),
        ("life-1:1-1", "trimmed"),
        ("life-1:99999999999999-0", "trimmed"),
    ],
)
def test_an_id_that_leads_nowhere_is_reset(last: str, reason: str, open_stream, tell) -> None:
    id = tell(0)
    with open_stream(last=last) as stream:
        reset = stream.take(2)[1]
        assert (reset.event, orjson.loads(reset.data), reset.id) == ("reset", {"Reason": reason}, f"life-1:{id}")
        tell(1)
        assert stream.next().number == 1


def test_events_that_were_trimmed_away_are_a_reset(open_stream, tell, transport: redis.Redis) -> None:
    tell(0)
    with open_stream() as stream:
        last = stream.next().id
    for number in range(3):
        tell(number)
    transport.xtrim("uv:events:queue", maxlen=1, approximate=False)
    with open_stream(last=last) as stream:
        assert stream.take(2)[1].event == "reset"


def test_the_beginning_of_a_young_stream_is_a_place_to_resume_from(open_stream, tell, transport: redis.Redis) -> None:
    transport.set("uv:epoch", "life-1")
    with open_stream() as stream:
        last = stream.next().id
    assert last == "life-1:0-0"
    tell(1)
    with open_stream(last=last) as stream:
        assert stream.take(2)[1].number == 1


def test_a_flushed_broker_is_a_reset_and_then_events_of_its_new_life(open_stream, tell, transport: redis.Redis) -> None:
    tell(0)
    with open_stream() as stream:
        stream.next()
        transport.flushall()
        reset = stream.next()
        assert (reset.event, orjson.loads(reset.data)["Reason"]) == ("reset", "epoch")
        transport.set("uv:epoch", "life-2")
        id = tell(1)
        block = stream.next()
    assert (block.number, block.id) == (1, f"life-2:{id}")


def test_a_broker_that_restarts_is_a_reset_and_then_goes_on(open_stream, tell, redis_server: RedisServer) -> None:
    tell(0)
    with open_stream() as stream:
        stream.next()
        tell(1)
        assert stream.next().number == 1
        redis_server.kill()
        redis_server.start()
        assert orjson.loads(stream.next().data) == {"Reason": "away"}
        assert orjson.loads(stream.next().data) == {"Reason": "broker"}
        tell(2)
        assert stream.next().number == 2


def test_silence_is_broken_by_comments(open_stream, tell) -> None:
    with open_stream() as stream, ThreadPoolExecutor(1) as pool:
        stream.next()
        waiting = pool.submit(stream.next)
        eventually(lambda: stream.comments > 1)
        tell(1)
        assert waiting.result(PATIENCE).number == 1


def test_a_slow_reader_is_cut_off(open_stream, tell, monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    monkeypatch.setattr(tails, "QUEUE", 5)
    with open_stream() as slow, open_stream() as other:
        slow.next()
        other.next()
        for number in range(20):
            id = tell(number)
            assert other.next().number == number
        eventually(lambda: len(app.extensions["tail"]._watchers) == 1)
        blocks = []
        while (block := slow.next()) is not None:
            blocks.append(block)
        assert (blocks[-1].event, orjson.loads(blocks[-1].data), blocks[-1].id) == ("reset", {"Reason": "slow"}, f"life-1:{id}")
        tell(20)
        assert other.next().number == 20, "the others go on"


def test_one_thread_serves_all_and_ends_with_the_last(open_stream, tell, app: Flask) -> None:
    tail: Tail = app.extensions["tail"]
    assert tail._thread is None
    with open_stream() as one, open_stream() as two, open_stream("beacon") as three:
        for stream in (one, two, three):
            stream.next()
        assert [thread.name for thread in threading.enumerate()].count("tail") == 1
        tell(1)
        tell(2, "beacon")
        assert [stream.next().number for stream in (one, two, three)] == [1, 1, 2]
    eventually(lambda: tail._thread is None)
    assert tail._positions == {}
    with open_stream() as again:
        again.next()
        tell(3)
        assert again.next().number == 3


def test_a_client_that_goes_before_the_first_line_leaves_nothing(app: Flask, redis_url: str) -> None:
    response = app.test_client().get("/api/events?topics=queue")
    assert len(app.extensions["tail"]._watchers) == 1
    response.close()
    assert len(app.extensions["tail"]._watchers) == 0


def test_watchers_do_not_use_up_all_threads(open_stream, app: Flask) -> None:
    app.extensions["tail"]._most = 1
    with open_stream():
        refused = app.test_client().get("/api/events?topics=queue")
        assert (refused.status_code, refused.json["Code"]) == (503, "overloaded")
    with open_stream():
        pass


def test_a_process_that_stops_ends_its_streams(open_stream, app: Flask, tell) -> None:
    with open_stream() as stream:
        stream.next()
        tell(1)
        stream.next()
        app.extensions["tail"].stop()
        assert stream.next() is None


def test_nothing_is_lost_or_doubled_by_coming_back_again_and_again(open_stream, tell) -> None:
    tell(0)
    with open_stream() as stream:
        last = stream.next().id
    count = 2_000
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(lambda: [tell(number) for number in range(1, count + 1)])
        seen: list[int] = []
        while len(seen) < count:
            with open_stream(last=last) as stream:
                stream.next()
                for block in stream.take(min(150, count - len(seen))):
                    seen.append(block.number)
                    last = block.id
        telling.result(PATIENCE)
    assert seen == list(range(1, count + 1))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "topics=",
        "topics=,",
        "topics=a%20b",
        "topics=../x",
        "topics=run&run=a%22b",
        "topics=run,queue&run=r",
        "topics=" + ",".join(f"t{n}" for n in range(17)),
    ],
)
def test_topics_must_be_named(query: str, app: Flask) -> None:
    assert app.test_client().get(f"/api/events?{query}").json["Code"] == "bad_request"
