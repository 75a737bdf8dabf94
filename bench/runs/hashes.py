"""Ten thousand runs at once: each has a hash of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import sqlalchemy as sa

from bench.figures import Row, plain
from bench.rig import HUB, Rig, rig
from bench.runs import graphs
from bench.runs.batch import PATH
from schema.runs.tables import run
from tasks.unit import look
from ultravisor import here

BATCHES = 10


def measure(quick: bool) -> list[Row]:
    """Ten batches side by side; then the hashes that SQL has."""
    size = 20 if quick else 1_000
    with rig("worker", "beat", "web") as hub:
        engine = hub.engine()
        graphs.save(hub, graphs.SMALL)
        began = perf_counter()
        with ThreadPoolExecutor(BATCHES) as pool:
            told = list(pool.map(lambda _: _begin(hub, size), range(BATCHES)))
        took = perf_counter() - began
        hashes = [hash for answer in told for hash in answer]
        stored = _stored(hub, engine, len(hashes))
        engine.dispose()
    wanted = size * BATCHES
    return [
        Row(
            f"hashes: of {wanted:,} runs, those that are unlike all others",
            f">= {wanted:,}",
            f"{len(set(hashes)):,}",
            held=len(set(hashes)) == wanted,
        ),
        Row("hashes: the same in SQL", f">= {wanted:,}", f"{stored:,}", held=stored == wanted),
        plain("hashes: seconds until all were answered", f"{took:.2f}"),
    ]


def _begin(hub: Rig, size: int) -> list[str]:
    status, told = here.ask(hub.settings, PATH, {"Operations": [{"Hash": graphs.SMALL["Hash"]}] * size}, timeout=60)
    if status != 200:
        raise RuntimeError(f"a batch was not begun: {told}")
    return [row["RunHash"] for row in told["Runs"]]


def _stored(hub: Rig, engine: sa.Engine, wanted: int) -> int:
    """How many runs SQL has, once they are all there or the time is over."""
    count = sa.select(sa.func.count()).select_from(run).where(run.c.hub == HUB)

    def number() -> int:
        with look(engine) as connection:
            return int(connection.execute(count).scalar_one())

    hub.wait_for(lambda: number() >= wanted)
    return number()
