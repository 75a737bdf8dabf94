"""A graph of thousands of nodes, and what it does to the memory of the workers."""

from __future__ import annotations

from bench.figures import Row, at_most, plain
from bench.rig import Rig, rig
from bench.runs import graphs
from bench.runs.batch import PATH, in_state
from ultravisor import here

NODES, QUICK = 5_000, 500
#: Megabytes by which a worker may grow.
MOST_MB = 60.0


def measure(quick: bool) -> list[Row]:
    """Small runs first, so that everything is loaded; then the giant, several times."""
    nodes, rounds = (QUICK, 1) if quick else (NODES, 5)
    giant = graphs.line(nodes)
    with rig("worker", "beat", "web") as hub:
        engine = hub.engine()
        for operation in (graphs.SMALL, giant):
            graphs.save(hub, operation)

        def run(operation: str, count: int) -> float:
            """Processor seconds of the workers, until so many runs of it are Complete."""
            done, before = in_state(engine, "Complete") + count, hub.processor_seconds()["worker"]
            status, told = here.ask(hub.settings, PATH, {"Operations": [{"Hash": operation}] * count}, timeout=60)
            if status != 200:
                raise RuntimeError(f"a batch was not begun: {told}")
            hub.wait_for(lambda: in_state(engine, "Complete") >= done)
            return hub.processor_seconds()["worker"] - before

        small_runs = rounds * nodes // 6
        run("bench-small", min(small_runs, 500))
        before = _largest(hub)
        spent = run(giant["Hash"], rounds)
        after = _largest(hub)
        engine.dispose()
    return [
        at_most(f"giant: growth of the largest worker process over {rounds} runs of {nodes:,} nodes", MOST_MB, after - before, "MB"),
        plain("giant: processor time of one node", f"{spent * 1000 / rounds / nodes:.2f} ms"),
    ]


def _largest(hub: Rig) -> float:
    return max(hub.resident()["worker"])
