"""The work path in one process: items stored, given out and completed by the verbs of the hub, a thousand to the batch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import orjson

from bench import bulk
from bench.drain import empty, fill
from bench.figures import Row, at_least, median, plain
from bench.rig import HUB, rig
from schema import envelope as keys
from schema.hub.commands import CompleteWork, EnqueueWork, RegisterBeacon
from tasks.kernel import Kernel
from tasks.worker import FORESIGHTS, VERBS

SLOTS = 1_000
#: Beacons that a fleet may well have, and commands that come together under moderate load.
FLEET, BATCH = 1_000, 16


def measure(quick: bool) -> list[Row]:
    """Enqueue a backlog, then complete it as fast as the beacon's inbox fills."""
    count, rounds = (500, 1) if quick else (5_000, 3)
    with rig() as hub:
        kernel = hub.kernel(VERBS, FORESIGHTS)
        times = [(_enqueue(kernel, count), _complete(kernel, count)) for _ in range(rounds)]
    alone, among = _fleets(30 if quick else 300)
    return [
        plain("work: items enqueued in one process, with receipts", f"{median([count / enqueue for enqueue, _ in times]):,.0f} /s"),
        at_least("work: items given out and completed in one process", 2_500, median([count / complete for _, complete in times]), "/s"),
        plain(
            f"work: a batch of {BATCH} enqueues beside {FLEET:,} beacons without work, beside none",
            f"{among:.3g} ms, {alone:.3g} ms",
            round(among / alone, 2),
        ),
    ]


def _fleets(batches: int) -> tuple[float, float]:
    """Milliseconds of one small batch in a hub without beacons, and in one with many that wait for other work."""
    times: dict[int, list[float]] = {0: [], FLEET: []}
    with ExitStack() as stack:
        kernels = {size: stack.enter_context(rig()).kernel(VERBS, FORESIGHTS) for size in times}
        for size, kernel in kernels.items():
            bulk.load_beacons(kernel.engine, size)
        for _ in range(batches):
            for size, kernel in kernels.items():
                times[size].append(empty(kernel, fill(kernel, [_item()] * BATCH, waited=True)) * 1000)
    return median(times[0]), median(times[FLEET])


def _item() -> EnqueueWork:
    return EnqueueWork(hub=HUB, capability="Bench", action="Nothing", settings={"Command": "true"}, metadata={})


def _enqueue(kernel: Kernel, count: int) -> float:
    return empty(kernel, fill(kernel, [_item()] * count, waited=True))


def _complete(kernel: Kernel, count: int) -> float:
    """From the beacon's first contact to the last result: the flushes alone, for beacons take their time elsewhere."""
    taken = empty(kernel, fill(kernel, [_registration()]))
    left = count
    while left:
        items = _handed_out(kernel)
        left -= len(items)
        taken += empty(kernel, fill(kernel, [_report(item) for item in items], waited=True))
    return taken


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
