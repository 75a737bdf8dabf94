"""How fast items end when a hundred wait, and when a hundred thousand do: two hubs side by side, in turn, each kept at its depth."""

from __future__ import annotations

from contextlib import ExitStack
from http.client import HTTPConnection
from time import perf_counter, sleep

import sqlalchemy as sa

from bench import bulk
from bench.figures import Row, median
from bench.hub import enqueue, through
from bench.rig import Rig, rig
from schema.settings import split_address

SMALL, LARGE, QUICK = 100, 100_000, 2_000
SLOTS = 64


def measure(quick: bool) -> list[Row]:
    """Windows of some seconds, the hubs taking turns; a hub rests while its capability is paused."""
    large, seconds, rounds = (QUICK, 0.5, 1) if quick else (LARGE, 4.0, 4)
    with ExitStack() as stack:
        hubs = {depth: stack.enter_context(rig("worker", "beat", "web")) for depth in (SMALL, large)}
        engines = {depth: hub.engine() for depth, hub in hubs.items()}
        for depth, hub in hubs.items():
            _turn(hub, "Pause")
            bulk.load_items(engines[depth], depth, live=depth)
            through.attend(hub, SLOTS)
        rates: dict[int, list[float]] = {depth: [] for depth in hubs}
        for turn in range(rounds + 1):
            for depth, hub in hubs.items():
                rate = _window(hub, engines[depth], depth, seconds)
                if turn or quick:  # the first one warms up
                    rates[depth].append(rate)
        for engine in engines.values():
            engine.dispose()
    ratio = median([deep / flat for deep, flat in zip(rates[large], rates[SMALL], strict=True)])
    told = f"{median(rates[large]):,.0f} /s, {median(rates[SMALL]):,.0f} /s"
    return [Row(f"backlog: items ended while {large:,} wait, while {SMALL} wait", ">= 0.9", told, round(ratio, 3), ratio >= 0.9)]


def _window(hub: Rig, engine: sa.Engine, depth: int, seconds: float) -> float:
    """Items ended per second, while as many come in as go out."""
    line = HTTPConnection(*split_address(hub.settings.address))
    body = enqueue.batch(enqueue.BATCH)
    _turn(hub, "Resume")
    before, began = through.in_state(engine, "Complete"), perf_counter()
    while perf_counter() - began < seconds:
        if through.in_state(engine, "Pending") < depth:
            _post(line, enqueue.PATH, body)
        else:
            sleep(0.002)
    ended, took = through.in_state(engine, "Complete") - before, perf_counter() - began
    _turn(hub, "Pause")
    line.close()
    return ended / took


def _turn(hub: Rig, what: str) -> None:
    line = HTTPConnection(*split_address(hub.settings.address))
    _post(line, f"/Beacon/Capability/{bulk.CAPABILITY}/{what}", b"{}")
    line.close()


def _post(line: HTTPConnection, path: str, body: bytes) -> None:
    line.request("POST", path, body, {"Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} gave {answer.status}")
