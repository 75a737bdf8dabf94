"""Reads by key at a thousand and at a million rows: two hubs side by side, asked in turn, so that noise hits both alike."""

from __future__ import annotations

from contextlib import ExitStack
from http.client import HTTPConnection
from time import perf_counter

from bench import bulk
from bench.figures import Row, median
from bench.rig import Rig, rig
from schema.settings import split_address

SMALL, LARGE, QUICK = 1_000, 1_000_000, 20_000
BEACONS = {SMALL: 10, LARGE: 1_000, QUICK: 1_000}


def measure(quick: bool) -> list[Row]:
    """Median time of each question on each hub, and their ratio."""
    large, turns = (QUICK, 30) if quick else (LARGE, 1_000)
    rows = []
    for live in ("all", "few"):
        with ExitStack() as stack:
            sizes = {count: stack.enter_context(rig("web", UV_WEB_WORKERS="1")) for count in (SMALL, large)}
            for count, hub in sizes.items():
                _load(hub, count, count if live == "all" else 100)
            rows += [_compared(what, path, sizes, turns) for what, path in _questions(live).items()]
    return rows


def _questions(live: str) -> dict[str, str]:
    """What is asked; the items that the small hub has too are the oldest ones of the large hub."""
    if live == "few":
        return {"first page of live items, nearly all ended": "/Beacon/Work?limit=20"}
    return {
        "one item by hash": f"/Beacon/Work/{bulk.hash_of(500)}",
        "events of an item": f"/Beacon/Work/{bulk.hash_of(500)}/Events",
        "one beacon by id": f"/Beacon/{bulk.beacon_of(5)}",
        "first page of live items, all live": "/Beacon/Work?limit=20",
        "the queue's counts and newest items": "/Beacon/Queue?limit=20",
    }


def _load(hub: Rig, count: int, live: int) -> None:
    engine = hub.engine()
    bulk.load_items(engine, count, live)
    bulk.load_beacons(engine, BEACONS[count])
    engine.dispose()
    hub.await_web()


def _compared(what: str, path: str, sizes: dict[int, Rig], turns: int) -> Row:
    lines = {count: HTTPConnection(*split_address(hub.settings.address)) for count, hub in sizes.items()}
    times: dict[int, list[float]] = {count: [] for count in sizes}
    for turn in range(turns + 20):
        for count, line in lines.items():
            taken = _ask(line, path)
            if turn >= 20:
                times[count].append(taken)
    for line in lines.values():
        line.close()
    small, large = (median(taken) for taken in times.values())
    ratio = large / small
    measured = " / ".join(f"{middle * 1000:.2f} ms" for middle in (small, large))
    rows = f"{min(sizes):,} / {max(sizes):,} rows"
    return Row(f"read: {what}, {rows}", "<= 1.1", measured, round(ratio, 3), ratio <= 1.1)


def _ask(line: HTTPConnection, path: str) -> float:
    began = perf_counter()
    line.request("GET", path)
    answer = line.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} gave {answer.status}")
    return perf_counter() - began
