"""Every list of a hub that has stored a million items: first pages and deep ones, with each filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPConnection
from time import perf_counter

from app.paging import cursor_of
from bench import bulk
from bench.figures import Row, at_most, median, percentile, plain
from bench.rig import Rig, rig
from schema.hub.rules.lifecycle import BUCKET_NAMES, STATUSES
from schema.settings import split_address

ITEMS, QUICK, BEACONS = 1_000_000, 20_000, 1_000
#: The goal of each list, and of a board with thousands of rows, in milliseconds.
LIST_MS, BOARD_MS = 20, 50
BOARD = "/Beacon/Queue?limit=2000"

#: Ways to ask, by the list that they ask for.
Ways = Mapping[str, list[str]]


def ways(items: int) -> Ways:
    """Lists by their route; a deep page begins in the middle."""
    middle = cursor_of(bulk.ticket_of(items // 2))
    item = f"/Beacon/Work/{bulk.hash_of(items // 2)}"
    event, beacon = bulk.event_of(items // 2), cursor_of(bulk.beacon_of(BEACONS // 2))
    return {
        "/Beacon/Work": ["", f"?after={middle}", *(f"?status={status}{deep}" for status in STATUSES for deep in ("", f"&after={middle}"))],
        "/Beacon/Queue": [
            *("", f"?after={middle}", "?include=history"),
            *(f"?bucket={bucket}{deep}" for bucket in BUCKET_NAMES for deep in ("", f"&after={middle}")),
        ],
        "/Beacon": ["", f"?after={beacon}"],
        "/Beacon/Affinity": [""],
        "/Queue/Events": [f"?since={event}&limit=100"],
        "/Observer/History": [f"?since={event}&limit=100", "?limit=100"],
        "/Observer/Snapshot": ["?limit=100"],
        "/Timeline": [""],
        "/Timeline/Anomalies": [""],
        "/Beacon/Capabilities": [""],
        "/Beacon/Actions": [""],
        "/api/dead-letters": [""],
        "one item": [item, f"{item}/Events", f"{item}/Attempts", f"{item}/Health", f"{item}/Why"],
    }


def measure(quick: bool) -> list[Row]:
    """A hub whose items have mostly ended, one whose items all wait; the slowest way of each list counts."""
    items, turns = (QUICK, 5) if quick else (ITEMS, 50)
    found: dict[str, dict[str, list[float]]] = {}
    boards: list[list[float]] = []
    for kind in ("mostly ended", "all waiting"):
        with rig("web", UV_WEB_WORKERS="1") as hub:
            _load(hub, items, kind)
            line = HTTPConnection(*split_address(hub.settings.address))
            for route, asked in ways(items).items():
                for way in asked:
                    path = way if route == "one item" else f"{route}{way}"
                    found.setdefault(route, {})[f"{way or 'all'}, {kind}"] = times_of(line, path, turns)
            boards.append(times_of(line, BOARD, turns))
            line.close()
    return [*(_row(route, times, items) for route, times in found.items()), *_boards(boards)]


def _row(route: str, times: Mapping[str, list[float]], items: int) -> Row:
    slowest = max(times, key=lambda way: percentile(times[way], 0.95))
    row = at_most(f"lists: {route}, {len(times) // 2} ways, {items:,} items: p95 of the slowest", LIST_MS, percentile(times[slowest], 0.95), "ms")
    middle = median([time for each in times.values() for time in each])
    return replace(row, measured=f"{row.measured} ({_short(slowest)}; p50 of all {middle:.3g} ms)")


def _short(way: str) -> str:
    """Without the long cursors."""
    before, after, rest = way.partition("after=")
    return f"{before}after=...{rest[rest.find(',') :]}" if after else way


def _boards(boards: list[list[float]]) -> list[Row]:
    worst = max(boards, key=median)
    return [
        at_most("lists: a board page of 2,000 rows, p50", BOARD_MS, median(worst), "ms"),
        plain("lists: the same, p95", f"{percentile(worst, 0.95):.3g} ms"),
    ]


def _load(hub: Rig, items: int, kind: str) -> None:
    engine = hub.engine()
    if kind == "all waiting":
        bulk.load_items(engine, items, live=items)
    else:
        bulk.load_mixture(engine, items)
    bulk.load_beacons(engine, BEACONS)
    engine.dispose()
    hub.await_web()


def times_of(line: HTTPConnection, path: str, turns: int) -> list[float]:
    """Milliseconds of each answer but the first three. Raises RuntimeError for all but 200."""
    times = []
    for _ in range(turns + 3):
        began = perf_counter()
        line.request("GET", path)
        answer = line.getresponse()
        answer.read()
        times.append((perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} gave {answer.status}")
    return times[3:]
