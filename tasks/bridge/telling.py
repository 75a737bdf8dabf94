"""Tell how far the mirror has come: a few words in the broker for whoever asks, and an event now and then for whoever watches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from schema import envelope as keys
from schema.base import Event
from schema.bridge.wire import progress_record
from schema.sql import to_wire
from tasks import outbox
from tasks.bridge.landing import Mark
from tasks.kernel import Kernel

#: Seconds between two events while the mirror is at work.
EVENT_SECONDS = 1.0


def arrival(kernel: Kernel, hub: str, connection: int, neighbours: list[str]) -> None:
    """Note who else keeps rows in the database, as its own marks say: their hubs may have other control databases."""
    kernel.redis.hset(keys.mirror(hub), "neighbours", orjson.dumps([connection, neighbours]))


def progress(kernel: Kernel, hub: str, connection: int, mark: Mark, last: int, *, at: datetime | None = None, rests: bool = False) -> None:
    """Note where the mirror stands. An event goes out each second while it works, and one when it has caught up.

    `at`: when the newest change that is there was made.
    """
    name, copying = keys.mirror(hub), mark.copying[0] if mark.copying else ""
    told: dict[Any, Any] = {
        "connection": connection,
        "position": mark.position,
        "counts": orjson.dumps(mark.counts),
        "at": to_wire(kernel.now()) or "",
    }
    pipe = kernel.redis.pipeline(transaction=False)
    pipe.hget(name, "told")
    pipe.hset(name, mapping={**told, "copying": copying})
    pipe.set(f"{name}:quiet", "1", nx=True, px=int(EVENT_SECONDS * 1000))
    before, _, due = pipe.execute()
    here = f"{connection}:{mark.position}:{copying}".encode()
    if before == here or not (due or rests):
        return
    seconds = max(0.0, (kernel.now() - at).total_seconds()) if at else 0.0
    record = progress_record(hub, connection, last, mark.position, mark.counts, copying, seconds)
    pipe.hset(name, "told", here)
    event = Event("persistence", "persistence.progress", record)
    told = {"Topic": event.kind, "Payload": event.payload, "EventGUID": kernel.new_id()}
    outbox.send_events(pipe, [(event.topic, told)], to_wire(kernel.now()))
    pipe.execute()
