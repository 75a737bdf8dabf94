"""Runs of a small operation, begun in batches, until their rows say Complete."""

from __future__ import annotations

from time import perf_counter, sleep
from typing import Any

import orjson
import sqlalchemy as sa

from bench import load
from bench.figures import Row, at_least, median, plain
from bench.rig import HUB, PATIENCE, Rig, rig
from bench.runs import graphs
from schema.runs.tables import run
from tasks.unit import look

PATH = "/Operation/Execute/Batch"
BATCH, SUBMITTERS = 100, 4

_IN_STATE = sa.select(sa.func.count()).select_from(run).where(run.c.hub == HUB, run.c.status == sa.bindparam("status"))


def body(size: int, operation: str) -> bytes:
    """The body of a batch of so many runs."""
    return orjson.dumps({"Operations": [{"Hash": operation, "Settings": {"name": "world"}}] * size})


def measure(quick: bool) -> list[Row]:
    """Rounds of batches."""
    runs, rounds = (200, 1) if quick else (2_000, 5)
    with rig("worker", "beat", "web") as hub:
        engine = hub.engine()
        graphs.save(hub, graphs.SMALL)
        start_and_wait(hub, engine, 200, graphs.SMALL)
        taken = [start_and_wait(hub, engine, runs, graphs.SMALL) for _ in range(rounds)]
        engine.dispose()
    cost = {name: median([spent[name] * 1000 / runs for _, spent in taken]) for name in taken[0][1]}
    words = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in cost.items() if milliseconds >= 0.005)
    what = f"batch: runs of six nodes, begun in batches of {BATCH}, until their rows say Complete"
    return [
        at_least(what, 500, median([runs / seconds for seconds, _ in taken]), "runs/s"),
        plain("batch: processor time of one run, in ms", words),
    ]


def start_and_wait(hub: Rig, engine: sa.Engine, runs: int, operation: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Seconds from the first request to the last row that says Complete, and those that each service's processor has spent."""
    done, before, began = in_state(engine, "Complete") + runs, hub.processor_seconds(), perf_counter()
    size = min(BATCH, runs)
    driven = load.drive(hub, PATH, body(size, operation["Hash"]), connections=SUBMITTERS, most=runs // size)
    # The driver's own start is no part of it.
    began += perf_counter() - began - driven.seconds
    while in_state(engine, "Complete") < done:
        if perf_counter() - began > PATIENCE:
            raise RuntimeError(f"{done - in_state(engine, 'Complete')} runs are not done after {PATIENCE} s")
        sleep(0.002)
    took, after = perf_counter() - began, hub.processor_seconds()
    return took, {name: after[name] - before[name] for name in before}


def in_state(engine: sa.Engine, status: str) -> int:
    """How many runs are in this state."""
    with look(engine) as connection:
        return int(connection.execute(_IN_STATE, {"status": status}).scalar_one())
