"""From append to committed answer, one command at a time, through a real worker: what a caller waits for when nobody else is there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import monotonic, perf_counter, sleep

import redis

from app.dispatch import Dispatcher
from bench.drain import GROUP
from bench.figures import Row, at_most, percentile
from bench.rig import HUB, PATIENCE, rig
from schema import envelope as keys
from schema.errors import OutcomeUnknown, Unavailable
from schema.hub.commands import EnqueueWork
from schema.outcome import Done
from tasks.kernel import broker

#: Goals in milliseconds.
P50, P99 = 3.0, 15.0
SAMPLES, RESTS = 500, 200


def measure(quick: bool) -> list[Row]:
    """Three ways of asking, one after the other; the first few samples of each warm up and are not counted."""
    samples, rests = (20, 20) if quick else (SAMPLES, RESTS)
    with rig("worker", "beat") as hub:
        dispatcher, client = Dispatcher(hub.settings), broker(hub.settings.redis_url)
        _await_worker(dispatcher)
        near = _samples(dispatcher, samples, lambda: sleep(Random().uniform(0.002, 0.008)))
        close = _samples(dispatcher, samples, lambda: None)
        apart = _samples(dispatcher, rests, lambda: _await_rest(client))
    return [
        *_rows("append to committed answer, a few ms apart", near),
        *_rows("append to committed answer, back to back", close),
        *_rows("append to committed answer, the first after a rest", apart),
    ]


def _rows(what: str, times: list[float]) -> list[Row]:
    return [at_most(f"{what}: p50", P50, percentile(times, 0.5), "ms"), at_most(f"{what}: p99", P99, percentile(times, 0.99), "ms")]


def _samples(dispatcher: Dispatcher, count: int, pause: Callable[[], None]) -> list[float]:
    """Milliseconds of each; each is asked after a pause."""
    times = []
    for number in range(count + 10):
        pause()
        began = perf_counter()
        outcome = dispatcher.dispatch(trivial())
        if number >= 10:
            times.append((perf_counter() - began) * 1000)
        assert isinstance(outcome, Done), outcome
    return times


def _await_rest(client: redis.Redis) -> None:
    """Until the flush of the last command has let go: the next one needs a Celery message and a flush that begins anew."""
    while client.exists(keys.lease(GROUP), keys.bell(GROUP)):
        sleep(0.002)
    sleep(Random().uniform(0.002, 0.008))


def trivial() -> EnqueueWork:
    """A command of the product, the one that matters most: a run, an item, an event, a receipt."""
    return EnqueueWork(hub=HUB, capability="Bench", action="Nothing", settings={}, metadata={})


def _await_worker(dispatcher: Dispatcher) -> None:
    """The first command is carried out once the worker is there and has migrated the database."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            dispatcher.dispatch(trivial(), wait=5)
        except (OutcomeUnknown, Unavailable):
            if monotonic() > deadline:
                raise
        else:
            return
