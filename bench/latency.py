"""From append to committed answer, one command at a time, through a real worker: what a caller waits for when nobody else is there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import monotonic, perf_counter, sleep

import redis

from app.dispatch import Dispatcher
from bench.drain import GROUP
from bench.figures import Row, at_most, percentile, plain
from bench.rig import HUB, PATIENCE, rig
from schema import envelope as keys
from schema.errors import OutcomeUnknown, Unavailable
from schema.hub.commands import EnqueueWork
from schema.outcome import Done
from tasks.kernel import broker

#: Goals in milliseconds.
P50, P99 = 3.0, 15.0
SAMPLES = 500


def measure(quick: bool) -> list[Row]:
    """Three ways of asking, one after the other; the first few samples of each warm up and are not counted."""
    samples = 20 if quick else SAMPLES
    with rig("worker", "beat") as hub:
        dispatcher, client = Dispatcher(hub.settings), broker(hub.settings.redis_url)
        _await_worker(dispatcher)
        apart = _samples(dispatcher, samples, lambda: _await_rest(client))
        near = _samples(dispatcher, samples, lambda: sleep(Random().uniform(0.002, 0.008)))
        close = _samples(dispatcher, samples, lambda: None)
    return [
        at_most("append to committed answer, a Celery message for each: p50", P50, percentile(apart, 0.5), "ms"),
        at_most("append to committed answer, a Celery message for each: p99", P99, percentile(apart, 0.99), "ms"),
        plain("the same a few ms apart, while the flush still lingers: p50, p99", _both(near)),
        plain("the same back to back: p50, p99", _both(close)),
    ]


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
    """Until the flush of the last command has let go: it lingers a while for the next one, as long as the broker's clock is coarse."""
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


def _both(times: list[float]) -> str:
    return f"{percentile(times, 0.5):.3g} ms, {percentile(times, 0.99):.3g} ms"
