"""Whoever polls for events sees each of them once, in order, and after any absence that the hub can remember."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import orjson
import pytest
import redis
from flask import Flask

from app import tail as tails
from app.observer import waits
from tests.app.observer.conftest import Front
from tests.services.processes import PATIENCE, eventually


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "BLOCK_MS", 50)


@pytest.fixture(params=["/Queue/Events", "/Observer/Events"])
def address(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def topics(page: dict) -> list[str]:
    return [event["Topic"] for event in page["Events"]]


def test_without_since_there_is_only_the_place_to_go_on_from(front: Front, address: str) -> None:
    assert front.get(address) == {"Events": [], "Cursor": None, "More": False}
    front.enqueue(2)
    page = front.get(address)
    assert page["Events"] == []
    front.register()
    after = front.get(f"{address}?since={page['Cursor']}")
    assert sorted(topics(after)) == ["beacon.registered", "queue.dispatched"]
    assert front.get(f"{address}?since={after['Cursor']}") == {"Events": [], "Cursor": after["Cursor"], "More": False}


def test_pages_follow_each_other_without_gap_or_repetition(front: Front, transport: redis.Redis) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    front.register(slots=3)
    for hash in front.enqueue(4)[:2]:
        front.complete(hash)
    everything = front.get(f"/Queue/Events?since={since}")["Events"]
    told, more = [], True
    while more:
        page = front.get(f"/Queue/Events?since={since}&limit=2")
        told += page["Events"]
        since, more = page["Cursor"], page["More"]
    assert told == everything
    assert len({event["EventGUID"] for event in told}) == len(told) >= 10


def test_history_in_sql_takes_over_where_the_stream_does_not_reach(front: Front, transport: redis.Redis) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    front.register(slots=2)
    (hash,) = front.enqueue()
    front.complete(hash)
    live = front.get(f"/Queue/Events?since={since}")["Events"]
    transport.xtrim("uv:events:queue", maxlen=1, approximate=False)
    assert front.get(f"/Queue/Events?since={since}", budget=2)["Events"] == sorted(live, key=lambda event: event["EventGUID"])
    transport.flushall()
    work = [event for event in live if event["Topic"].startswith("queue.")]
    page = front.get(f"/Queue/Events?since={since}")
    assert page["Events"] == work, "the same events under the same ids, from SQL alone"
    assert (page["Cursor"], front.get("/Queue/Events")["Cursor"]) == (work[-1]["EventGUID"],) * 2
    front.enqueue()
    assert topics(front.get(f"/Queue/Events?since={page['Cursor']}"))[0] == "queue.enqueued"


def test_sql_and_stream_tell_the_same_words(front: Front, transport: redis.Redis) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    front.register()
    told = [orjson.loads(entry["e"]) for _, entry in transport.xrange("uv:events:queue")]
    transport.delete("uv:events:queue")
    assert [event for event in front.get(f"/Queue/Events?since={since}")["Events"] if event["Topic"] == "queue.dispatched"] == told[1:]


@pytest.mark.parametrize("since", ["nonsense", "01900000-0000-7000-8000-000000000000"])
def test_an_event_that_nobody_remembers_is_gone(front: Front, address: str, since: str) -> None:
    front.enqueue()
    body = front.get(f"{address}?since={since}", status=410)
    assert (body["Code"], body["Reason"]) == ("gone", "history-too-old")
    assert "/Observer/Snapshot" in body["Hint"]
    assert front.get(f"/Observer/History?since={since}", status=410)["Reason"] == "history-too-old"


def test_a_poll_waits_for_the_next_event(app: Flask, front: Front, address: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: app.test_client().get(f"{address}?waitMs=30000").json)
        eventually(lambda: app.extensions["tail"]._watchers)
        (hash,) = front.enqueue()
        first = waiting.result(PATIENCE)
        assert [event["Payload"]["WorkItemHash"] for event in first["Events"]] == [hash]
        again = pool.submit(lambda: app.test_client().get(f"{address}?since={first['Cursor']}&waitMs=30000").json)
        eventually(lambda: app.extensions["tail"]._watchers)
        front.register()
        assert topics(again.result(PATIENCE))[0] in ("beacon.registered", "queue.dispatched")
    eventually(lambda: not app.extensions["tail"]._watchers)


def test_a_poll_ends_with_its_time(front: Front) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    assert front.get(f"/Queue/Events?since={since}&waitMs=60") == {"Events": [], "Cursor": since, "More": False}


def test_a_poll_outlives_an_emptied_broker(app: Flask, front: Front, transport: redis.Redis) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: app.test_client().get(f"/Queue/Events?since={since}&waitMs=30000").json)
        eventually(lambda: app.extensions["tail"]._watchers)
        transport.flushall()
        front.enqueue()
        assert topics(waiting.result(PATIENCE)) == ["queue.enqueued"]


def test_too_many_waiters_are_sent_away(app: Flask, front: Front, address: str) -> None:
    app.extensions["tail"]._most = 0
    response = app.test_client().get(f"{address}?waitMs=1000")
    assert (response.status_code, response.headers["Retry-After"], response.json["Code"]) == (503, "5", "overloaded")
    assert front.get(address)["Events"] == [], "who does not wait is not turned away"


def test_many_pollers_lose_nothing_while_it_happens(app: Flask, front: Front) -> None:
    front.enqueue()
    since = front.get("/Queue/Events")["Cursor"]
    hashes: Queue[str] = Queue()

    def follow() -> list[str]:
        client, at, seen = app.test_client(), since, []
        while len(seen) < 40:
            page = client.get(f"/Queue/Events?since={at}&waitMs=5000&limit=7").json
            seen += [event["Payload"]["WorkItemHash"] for event in page["Events"]]
            at = page["Cursor"]
        return seen

    with ThreadPoolExecutor(4) as pool:
        followers = [pool.submit(follow) for _ in range(4)]
        for hash in front.enqueue(40):
            hashes.put(hash)
        assert all(follower.result(PATIENCE) == list(hashes.queue) for follower in followers)


def test_limits_are_capped_and_nonsense_is_refused(front: Front) -> None:
    assert front.get("/Queue/Events?limit=999999")["Events"] == []
    for query in ("limit=0", "limit=x", "waitMs=-1", "since=" + "x" * 65):
        assert front.get(f"/Queue/Events?{query}", status=422)["Code"] == "invalid"


def test_history_from_a_moment_on(front: Front) -> None:
    front.enqueue(3)
    front.register()
    told = front.get("/Observer/History?since=now-1m", budget=1)["Events"]
    assert sorted(event["Topic"] for event in told) == ["beacon.registered", "queue.dispatched", *["queue.enqueued"] * 3]
    assert front.get("/Observer/History?since=now%2B1m")["Events"] == []
    assert front.get(f"/Observer/History?since={told[0]['EventGUID']}")["Events"][:2] == told[1:3]
    assert len(front.get("/Observer/History?limit=2")["Events"]) == 2


def test_ripening_is_a_matter_of_milliseconds() -> None:
    assert waits.RIPENING_SECONDS < 0.01
