"""`python -m bench kernel`: journal and flush, and what one process can do; ratios within one run."""

from __future__ import annotations

from bench import drain, edge, latency, memory, reads, work
from bench.figures import Row
from bench.rig import rig, settle
from bench.suite import Suite

HOW = """\
- **kernel**: a journal of 50 000 commands, each of which inserts one row, is flushed in one process. Then the same rows go into
  files of their own by three roads that know nothing of commands. Five rounds, medians. The bare loop does what nobody could leave
  out who takes commands from a stream: fetch, parse, make an id, insert.
- **append to committed answer**: one caller, `hub.enqueue` with its receipt, a worker in processes of its own. A flush keeps its place
  for a moment when nothing waits; after a rest it has let go, so the call rings, and a Celery message starts the next flush.
- **edge**: a driver in a process of its own keeps 16 connections busy with `POST /Beacon/Work/Enqueue`; each answer means that the
  item is committed. Hub and driver share the cores. Depths take turns, five rounds, medians of the rounds' ratios.
- **work**: the hub's verbs in one process; a backlog is enqueued, then given out and completed by one beacon with 1 000 slots.
- **read**: two hubs, a small and a large one, asked in turn on one connection each; medians.
- **memory**: resident size, before the edge's runs and after them.
"""


def edge_and_memory(quick: bool) -> list[Row]:
    """One whole hub, as `ultravisor up` runs it."""
    with rig("worker", "beat", "flower", "web") as hub:
        edge.drive(hub, 0.2)
        settle(1.0)
        idle = hub.resident()
        rows = edge.measure(hub, quick)
        return rows + memory.rows(idle, hub.resident())


SUITE = Suite(
    "kernel",
    "The kernel",
    {"drain": drain.measure, "latency": latency.measure, "edge": edge_and_memory, "work": work.measure, "reads": reads.measure},
    HOW,
)
