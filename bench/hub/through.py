"""Items from submission to completion, by a beacon on a WebSocket that is done with each at once."""

from __future__ import annotations

from time import perf_counter, sleep

import orjson
import sqlalchemy as sa

from bench import bulk, load
from bench.figures import Row, at_least, at_most, median, plain
from bench.hub import enqueue
from bench.load import Run
from bench.rig import HUB, PATIENCE, Rig, rig
from schema.hub.tables import tally
from schema.settings import split_address
from tasks.unit import look

DISPATCH = orjson.dumps({"Capability": bulk.CAPABILITY, "Action": bulk.ACTION, "Settings": {"Command": "true"}})
SLOTS = 16
#: Connections that submit batches; each waits for its answer before it sends the next.
SUBMITTERS = 4

_IN_STATE = sa.select(sa.func.coalesce(sa.func.sum(tally.c["items"]), 0)).where(tally.c.hub == HUB, tally.c.status == sa.bindparam("status"))


def measure(quick: bool) -> list[Row]:
    """Batches until their rows say Complete; then calls that wait for the end of their item."""
    items, rounds, seconds = (200, 1, 0.5) if quick else (2_000, 5, 5.0)
    with rig("worker", "beat", "web") as hub:
        attend(hub, SLOTS)
        engine = hub.engine()
        submit_and_wait(hub, engine, 200)
        load.drive(hub, "/Beacon/Work/Dispatch", DISPATCH, seconds=seconds / 5)
        drained = [submit_and_wait(hub, engine, items) for _ in range(rounds)]
        waited = [load.drive(hub, "/Beacon/Work/Dispatch", DISPATCH, seconds=seconds) for _ in range(min(rounds, 3))]
        engine.dispose()
    return _rows(items, drained, waited)


def _rows(items: int, drained: list[tuple[float, dict[str, float]]], waited: list[Run]) -> list[Row]:
    cost = {name: median([spent[name] * 1000 / items for _, spent in drained]) for name in drained[0][1]}
    words = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in cost.items() if milliseconds >= 0.005)
    return [
        at_least(
            f"through: batches of {enqueue.BATCH} until their rows say Complete, a beacon with {SLOTS} slots",
            1_500,
            median([items / seconds for seconds, _ in drained]),
            "items/s",
        ),
        plain("through: processor time of one item, in ms", words),
        at_least(f"through: Dispatch until its answer, 16 at once, a beacon with {SLOTS} slots", 800, median([run.rate for run in waited]), "/s"),
        at_most("through: the same, p99", 46, median([run.time(0.99) for run in waited]), "ms"),
        plain("through: the same, p50", f"{median([run.time(0.5) for run in waited]):.3g} ms"),
        load.costs("through: Dispatch", waited),
    ]


def attend(hub: Rig, slots: int) -> None:
    """A beacon for everything."""
    host, port = split_address(hub.settings.address)
    hub.attend("beacon", "bench.hub.beacon", host, str(port), "bench", bulk.CAPABILITY, str(slots), ready="registered")


def submit_and_wait(hub: Rig, engine: sa.Engine, items: int) -> tuple[float, dict[str, float]]:
    """Seconds from the first request to the last row that says Complete, and those that each service's processor has spent."""
    done, before, began = in_state(engine, "Complete") + items, hub.processor_seconds(), perf_counter()
    size = min(enqueue.BATCH, items)
    run = load.drive(hub, enqueue.PATH, enqueue.batch(size), connections=SUBMITTERS, most=items // size)
    # The driver's own start is no part of it.
    began += perf_counter() - began - run.seconds
    while in_state(engine, "Complete") < done:
        if perf_counter() - began > PATIENCE:
            raise RuntimeError(f"{done - in_state(engine, 'Complete')} items are not done after {PATIENCE} s")
        sleep(0.002)
    took, after = perf_counter() - began, hub.processor_seconds()
    spent = {name: after[name] - before[name] for name in before}
    return took, spent | {"driver": run.cost["driver"] * len(run.times) / 1000}


def in_state(engine: sa.Engine, status: str) -> int:
    """How many items are in this state."""
    with look(engine) as connection:
        return int(connection.execute(_IN_STATE, {"status": status}).scalar_one())
