"""Items that are stored, with nobody there to take them: one by one, and a hundred at a time."""

from __future__ import annotations

import orjson

from bench import bulk, edge, load
from bench.figures import Row, at_least, median, plain
from bench.rig import rig

BATCH = 100
PATH = "/Beacon/Work/Enqueue/Batch"


def batch(size: int) -> bytes:
    """The body of a batch of so many items."""
    item = {"Capability": bulk.CAPABILITY, "Action": bulk.ACTION, "Settings": {"Command": "true"}}
    return orjson.dumps({"Items": [item] * size})


def measure(quick: bool) -> list[Row]:
    """Single items and batches in turn."""
    seconds, rounds = (0.5, 1) if quick else (4.0, 4)
    with rig("worker", "beat", "web") as hub:
        engine = hub.engine()
        load.drive(hub, PATH, batch(BATCH), seconds=seconds / 4)
        singles, batches = [], []
        for _ in range(rounds):
            bulk.clear(engine)
            singles.append(edge.drive(hub, seconds))
            bulk.clear(engine)
            batches.append(load.drive(hub, PATH, batch(BATCH), seconds=seconds))
        engine.dispose()
    return [
        at_least("enqueue: 16 at once, one by one", 1_200, median([run.rate for run in singles]), "items/s"),
        plain("enqueue: the same, p50 and p99", " and ".join(f"{median([run.time(share) for run in singles]):.3g} ms" for share in (0.5, 0.99))),
        load.costs("enqueue", singles),
        at_least(f"enqueue: 16 at once, in batches of {BATCH}", 10_000, median([run.rate * BATCH for run in batches]), "items/s"),
        plain("enqueue: the same, p50 and p99", " and ".join(f"{median([run.time(share) for run in batches]):.3g} ms" for share in (0.5, 0.99))),
        load.costs("enqueue in batches", batches, BATCH),
    ]
