"""The script by which everything enters a journal, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from schema import envelope as keys
from tasks.kernel import broker


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = broker(redis_url)
    yield made
    made.close()


def append(client: redis.Redis, *payloads: str, lane: str = "ledger", epoch: str = "e1", limit: int = 100) -> tuple[str, int]:
    names = (keys.journal(lane), keys.LANES, keys.EPOCH, keys.bell("@control"))
    last, rung = client.eval(keys.APPEND, 4, *names, lane, epoch, keys.BELL_MS, limit, *payloads)  # type: ignore[misc]  # the client is synchronous
    return last.decode(), rung


def entries(client: redis.Redis, lane: str = "ledger") -> list[bytes]:
    return [fields[b"e"] for _, fields in client.xrange(keys.journal(lane))]  # type: ignore[union-attr]  # as above


def test_the_first_append_begins_a_life_of_the_broker_and_later_ones_keep_it(client: redis.Redis) -> None:
    append(client, "x", epoch="first")
    append(client, "y", epoch="second")
    assert client.get(keys.EPOCH) == b"first"
    client.flushall()
    append(client, "z", epoch="third")
    assert client.get(keys.EPOCH) == b"third"


def test_entries_lie_in_the_order_in_which_they_came(client: redis.Redis) -> None:
    last, _ = append(client, "a", "b", "c")
    append(client, "d")
    assert entries(client) == [b"a", b"b", b"c", b"d"]
    assert [id.decode() for id, _ in client.xrange(keys.journal("ledger"))][2] == last  # type: ignore[union-attr]  # as above


def test_lanes_are_known_by_their_first_entry(client: redis.Redis) -> None:
    append(client, "a", lane="ledger/x")
    append(client, "a", lane="ledger/y")
    assert client.smembers(keys.LANES) == {b"ledger/x", b"ledger/y"}


def test_one_ring_stands_for_all_until_it_is_answered_or_too_old(client: redis.Redis) -> None:
    assert [append(client, "a")[1] for _ in range(3)] == [1, 0, 0]
    assert 0 < int(client.pttl(keys.bell("@control"))) <= keys.BELL_MS  # type: ignore[arg-type]  # as above
    client.delete(keys.bell("@control"))
    assert append(client, "b")[1] == 1


def test_a_full_lane_takes_nothing_and_rings_for_nobody(client: redis.Redis) -> None:
    append(client, "a", "b", limit=2)
    before = client.dbsize()
    client.delete(keys.bell("@control"))
    assert append(client, "c", limit=2) == ("", 0)
    assert entries(client) == [b"a", b"b"]
    assert client.dbsize() == before - 1
    assert append(client, "c", lane="ledger/other", limit=2)[0]


def test_a_batch_is_appended_as_a_whole(client: redis.Redis) -> None:
    append(client, "a", limit=2)
    append(client, "b", "c", "d", limit=2)
    assert len(entries(client)) == 4, "the limit is looked at once: a batch is never torn"
