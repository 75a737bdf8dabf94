"""Frames of items that somebody has streamed leave with the commit, in the order of the lane."""

from __future__ import annotations

from schema import envelope as keys
from schema.hub import frames
from tests.tasks.hub.conftest import Hub


def streamed(hub: Hub) -> str:
    hub.register("ada")
    (hash,) = hub.enqueue(awaited=True, streamed=True)
    return hash


def waiting(hub: Hub, hash: str) -> list[bytes]:
    return list(hub.kernel.redis.lrange(keys.stream(hash), 0, -1))  # type: ignore[arg-type]  # the client is synchronous


def test_progress_and_end_of_one_batch_are_heard_in_their_order(hub: Hub) -> None:
    hash = streamed(hub)
    hub.kernel.redis.set(keys.listened(hash), "1")
    hub.done(hub.progress(hash, binary="YWJj"), hub.progress(hash), hub.complete(hash))
    found = waiting(hub, hash)
    assert [frame[:1] for frame in found] == [frames.PROGRESS, frames.INTERMEDIATE, frames.PROGRESS, frames.END]
    assert found[1] == frames.INTERMEDIATE + b"abc"
    assert 0 < int(hub.kernel.redis.ttl(keys.stream(hash))) <= keys.REPLY_SECONDS  # type: ignore[arg-type]  # as above


def test_there_is_room_for_so_many_and_always_for_the_end(hub: Hub) -> None:
    hash = streamed(hub)
    hub.kernel.redis.set(keys.listened(hash), "1")
    hub.done(*[hub.progress(hash) for _ in range(2 * keys.FRAMES_KEPT)], hub.complete(hash))
    found = waiting(hub, hash)
    assert (len(found), found[-1][:1]) == (keys.FRAMES_KEPT + 1, frames.END)


def test_what_nobody_hears_is_not_kept(hub: Hub) -> None:
    hash = streamed(hub)
    hub.done(hub.progress(hash), hub.complete(hash))
    assert waiting(hub, hash) == []


def test_an_item_that_is_not_streamed_has_no_frames(hub: Hub) -> None:
    hub.register("ada")
    (hash,) = hub.enqueue()
    hub.kernel.redis.set(keys.listened(hash), "1")
    hub.done(hub.progress(hash, binary="YWJj"), hub.complete(hash))
    assert waiting(hub, hash) == []
