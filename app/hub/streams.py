"""Streams of items in the broker: who listens, and whether there is room. Transport only."""

from __future__ import annotations

from typing import Any

from app.answers import refuse
from app.broker import broker
from schema import envelope as keys

#: A listener who has not said for this long that he is there is gone.
LISTENED_SECONDS = 15


def listen(hash: str) -> None:
    """From now on, and for a while, frames of the item are put into its stream."""
    broker().quick.set(keys.listened(hash), "1", ex=LISTENED_SECONDS)


def leave(hash: str) -> None:
    """Nobody listens any more; what waits is dropped."""
    broker().quick.delete(keys.listened(hash), keys.stream(hash))


def with_room(hash: str, binary: str | None) -> str:
    """What came with a report of progress, empty where nothing did. Raises Refusal (stream_full) while its listener is behind."""
    if not binary:
        return ""
    waiting: Any = broker().quick.llen(keys.stream(hash))
    if waiting >= keys.FRAMES_KEPT:
        refuse("stream_full", WorkItemHash=hash, RetryAfterSeconds=1)
    return binary
