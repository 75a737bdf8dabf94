"""Those who watch over sockets."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
import redis

from tests.app.sockets.client import Client
from tests.app.sockets.conftest import Web


def watch(web: Web, **more: str) -> Client:
    return web.client("/ws").say(Action="QueueSubscribe", **more)


def test_events_come_in_the_envelope_with_a_summary_first_and_after_changes(web: Web) -> None:
    client = watch(web)
    summary = client.next("queue.summary")["Payload"]
    assert summary["Buckets"].keys() == {"Upcoming", "InProgress", "Stalled", "Completed", "Errored"}
    hash = web.enqueue()
    event = client.next("queue.enqueued")
    assert event["Payload"]["WorkItemHash"] == hash
    assert event.keys() >= {"Topic", "Payload", "EventGUID", "Seq", "EmittedAt"}
    assert client.next("queue.summary")["Payload"]["Buckets"]["Upcoming"] == 1


def test_whoever_comes_back_gets_what_was_missed_once_and_in_order(web: Web) -> None:
    client = watch(web)
    client.next("queue.summary")
    hashes = [web.enqueue() for _ in range(4)]
    seen = [client.next("queue.enqueued") for _ in range(4)]
    assert [event["Payload"]["WorkItemHash"] for event in seen] == hashes
    assert [event["Seq"] for event in seen] == sorted({event["Seq"] for event in seen})
    again = watch(web, LastEventGUID=seen[1]["EventGUID"])
    begin = again.next("queue.replay_begin")
    assert begin["Payload"] == {"FromGUID": seen[1]["EventGUID"], "Count": 2}
    assert [again.hear() for _ in range(2)] == seen[2:]
    assert again.hear()["Payload"] == {"ThroughGUID": seen[3]["EventGUID"], "Count": 2}
    last = web.enqueue()
    assert again.next("queue.enqueued")["Payload"]["WorkItemHash"] == last


def test_what_is_known_no_more_is_said(web: Web) -> None:
    told = watch(web, LastEventGUID="018f0000-0000-7000-8000-000000000000").next("queue.reset")
    assert told["Payload"] == {"Reason": "history-too-old", "LastEventGUID": "018f0000-0000-7000-8000-000000000000"}


def test_whoever_leaves_hears_nothing_more(web: Web) -> None:
    client, other = watch(web), watch(web)
    client.next("queue.summary")
    other.next("queue.summary")
    client.say(Action="QueueUnsubscribe")
    client.say(Action="Nonsense")
    client.next("Error")
    web.enqueue()
    other.next("queue.enqueued")
    client.say(Action="Nonsense")
    assert client.hear()["EventType"] == "Error"


def test_the_broker_may_begin_a_new_life(web: Web, transport: redis.Redis) -> None:
    client = watch(web)
    client.next("queue.summary")
    web.enqueue()
    client.next("queue.enqueued")
    transport.flushall()
    web.enqueue()
    assert client.next("queue.reset")["Payload"]["Reason"] in ("epoch", "broker")
    hash = web.enqueue()
    client.until(lambda frame: frame.get("Payload", {}).get("WorkItemHash") == hash)


def test_a_viewer_that_does_not_read_is_cut_off_and_nobody_waits_for_it(web: Web, transport: redis.Redis) -> None:
    slow, quick = watch(web), watch(web)
    quick.next("queue.summary")
    slow.next("queue.summary")
    web.enqueue()
    guid = slow.next("queue.enqueued")["EventGUID"]
    quick.next("queue.enqueued")
    event = orjson.dumps({"Topic": "queue.big", "Payload": {"x": "x" * 200_000}, "EventGUID": "g"})
    for _ in range(100):
        transport.xadd("uv:events:queue", {"e": event})
        quick.next("queue.big")
    code, reason = slow.closed()
    assert (code, "LastEventGUID" in reason) == (1013, True)
    assert watch(web, LastEventGUID=guid).next("queue.replay_begin")["Payload"]["Count"] == 100


@pytest.mark.parametrize("workers", ["2"])
def test_the_same_event_has_the_same_place_in_every_process(workers: str, start_web: Callable[..., Web]) -> None:
    web = start_web(UV_WEB_WORKERS=workers)
    clients = [watch(web) for _ in range(6)]
    for client in clients:
        client.next("queue.summary")
    web.enqueue()
    events = [client.next("queue.enqueued") for client in clients]
    assert all(event == events[0] for event in events)
