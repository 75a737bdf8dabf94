"""Enqueues over HTTP: each request waits for its committed answer; the hub at rest before it, and with thousands of items pending."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from bench import bulk
from bench.figures import Row, at_least, at_most, median, percentile, plain
from bench.rig import Rig, settle
from schema.settings import split_address

CONNECTIONS = 16
DEPTHS = (0, 5_000, 20_000)
PATH = "/Beacon/Work/Enqueue"
BODY = orjson.dumps({"Capability": bulk.CAPABILITY, "Action": bulk.ACTION, "Settings": {"Command": "true"}})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the driver."""

    rate: float
    p50: float
    p99: float
    #: Milliseconds of processor time for each request, by service.
    cost: dict[str, float]


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
        at_most("edge: the same, p99", 60, median([run.p99 for run in shallow]), "ms"),
        plain("edge: the same, p50", f"{median([run.p50 for run in shallow]):.3g} ms"),
    ]
    for depth in DEPTHS[1:]:
        ratio = median([deep.rate / flat.rate for deep, flat in zip(runs[depth], shallow, strict=True)])
        rate = median([run.rate for run in runs[depth]])
        rows.append(Row(f"edge: the same with {depth:,} pending", ">= 0.9 of depth 0", f"{rate:,.0f} /s", round(ratio, 3), ratio >= 0.9))
    cost = {name: median([run.cost[name] for run in shallow]) for name in ("web", "worker", "redis")}
    words = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in cost.items())
    return [*rows, plain("edge: processor time of one request, in ms", words)]


def drive(hub: Rig, seconds: float, connections: int = CONNECTIONS) -> Run:
    """One run of the driver, a process of its own. Raises RuntimeError unless every answer was a 200."""
    host, port = split_address(hub.settings.address)
    command = [sys.executable, "-m", "bench.driver", host, str(port), PATH, str(connections), str(seconds)]
    before = hub.processor_seconds()
    said = orjson.loads(subprocess.run(command, input=BODY, stdout=subprocess.PIPE, check=True).stdout)
    after = hub.processor_seconds()
    if set(said["statuses"]) != {"200"}:
        raise RuntimeError(f"not only 200: {said['statuses']}")
    times = said["times"]
    cost = {name: (after[name] - before[name]) * 1000 / len(times) for name in before}
    return Run(len(times) / said["seconds"], percentile(times, 0.5), percentile(times, 0.99), cost)


def _deepen(engine: sa.Engine, depth: int) -> None:
    bulk.clear(engine)
    bulk.load_items(engine, depth, live=depth)
    settle(0.5)
