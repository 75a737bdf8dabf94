"""Enqueues over HTTP: each request waits for its committed answer; the hub at rest before it, and with thousands of items pending."""

from __future__ import annotations

import orjson
import sqlalchemy as sa

from bench import bulk, load
from bench.figures import Row, at_least, at_most, median, plain
from bench.load import Run
from bench.rig import Rig, settle

DEPTHS = (0, 5_000, 20_000)
PATH = "/Beacon/Work/Enqueue"
BODY = orjson.dumps({"Capability": bulk.CAPABILITY, "Action": bulk.ACTION, "Settings": {"Command": "true"}})


def measure(hub: Rig, quick: bool) -> list[Row]:
    """Rounds over all depths, so that each depth has its share of whatever else the machine does."""
    seconds, rounds = (0.5, 1) if quick else (4.0, 5)
    engine = hub.engine()
    drive(hub, 1.0 if not quick else 0.2)
    runs: dict[int, list[Run]] = {depth: [] for depth in DEPTHS}
    for _ in range(rounds):
        for depth in DEPTHS:
            _deepen(engine, depth)
            runs[depth].append(drive(hub, seconds))
    engine.dispose()
    return _rows(runs)


def _rows(runs: dict[int, list[Run]]) -> list[Row]:
    shallow = runs[0]
    rows = [
        at_least("edge: waiting enqueues over HTTP, 16 connections, 2 web workers", 1_000, median([run.rate for run in shallow]), "/s"),
        at_most("edge: the same, p99", 60, median([run.time(0.99) for run in shallow]), "ms"),
        plain("edge: the same, p50", f"{median([run.time(0.5) for run in shallow]):.3g} ms"),
    ]
    for depth in DEPTHS[1:]:
        ratio = median([deep.rate / flat.rate for deep, flat in zip(runs[depth], shallow, strict=True)])
        rate = median([run.rate for run in runs[depth]])
        rows.append(Row(f"edge: the same with {depth:,} pending", ">= 0.9 of depth 0", f"{rate:,.0f} /s", round(ratio, 3), ratio >= 0.9))
    return [*rows, load.costs("edge", shallow)]


def drive(hub: Rig, seconds: float) -> Run:
    """Enqueues for so long."""
    return load.drive(hub, PATH, BODY, seconds=seconds)


def _deepen(engine: sa.Engine, depth: int) -> None:
    bulk.clear(engine)
    bulk.load_items(engine, depth, live=depth)
    settle(0.5)
