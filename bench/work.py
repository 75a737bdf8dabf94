"""The work path in one process: items stored, given out and completed by the verbs of the hub, a thousand to the batch."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import orjson

from bench.drain import empty, fill
from bench.figures import Row, at_least, median, plain
from bench.rig import HUB, rig
from schema import envelope as keys
from schema.hub.commands import CompleteWork, EnqueueWork, RegisterBeacon
from tasks.kernel import Kernel
from tasks.worker import FORESIGHTS, VERBS

LANE = f"hub/{HUB}"
SLOTS = 1_000


def measure(quick: bool) -> list[Row]:
    """Enqueue a backlog, then complete it as fast as the beacon's inbox fills."""
    count, rounds = (500, 1) if quick else (5_000, 3)
    with rig() as hub:
        kernel = hub.kernel(VERBS, FORESIGHTS)
        times = [(_enqueue(kernel, count), _complete(kernel, count)) for _ in range(rounds)]
    return [
        plain("work: items enqueued in one process, with receipts", f"{median([count / enqueue for enqueue, _ in times]):,.0f} /s"),
        at_least("work: items given out and completed in one process", 2_500, median([count / complete for _, complete in times]), "/s"),
    ]


def _enqueue(kernel: Kernel, count: int) -> float:
    settings = {"Command": "true"}
    item = EnqueueWork(hub=HUB, capability="Bench", action="Nothing", settings=settings, metadata={})
    fill(kernel, [item] * count, waited=True)
    return empty(kernel, LANE)


def _complete(kernel: Kernel, count: int) -> float:
    """From the beacon's first contact to the last result."""
    fill(kernel, [_registration()])
    began = perf_counter()
    empty(kernel, LANE)
    left = count
    spent = 0.0
    while left:
        items = _handed_out(kernel)
        left -= len(items)
        before = perf_counter()
        fill(kernel, [_report(item) for item in items], waited=True)
        spent += perf_counter() - before
        empty(kernel, LANE)
    return perf_counter() - began - spent


def _registration() -> RegisterBeacon:
    told: dict[str, Any] = {"action_schemas": [], "tags": {}, "contexts": {}, "bind_addresses": [], "shared_mounts": []}
    return RegisterBeacon(
        hub=HUB, beacon_name="bench", capabilities=["Bench"], max_concurrent=SLOTS, host_id=None, session_id=None, presence_ms=3_600_000, **told
    )


def _handed_out(kernel: Kernel) -> list[dict[str, Any]]:
    (inbox,) = kernel.redis.scan_iter(keys.inbox(HUB, "*"))
    messages: Any = kernel.redis.lpop(inbox, SLOTS)
    holder = inbox.decode().rpartition(":")[2]
    return [orjson.loads(message) | {"BeaconID": holder} for message in messages]


def _report(item: dict[str, Any]) -> CompleteWork:
    return CompleteWork(
        hub=HUB, work_item_hash=item["WorkItemHash"], beacon_id=item["BeaconID"], attempt=item["AttemptNumber"], outputs={"Result": "ok"}, log=[]
    )
