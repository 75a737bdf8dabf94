"""The list of runs, of a hub that has stored a million."""

from __future__ import annotations

from dataclasses import replace
from http.client import HTTPConnection

import sqlalchemy as sa

from app.paging import cursor_of
from bench import bulk
from bench.figures import Row, at_most, median, percentile
from bench.hub.lists import times_of
from bench.rig import HUB, rig
from schema.runs.rules.run import STATUSES
from schema.runs.tables import run
from schema.settings import split_address

RUNS, QUICK, OPERATIONS = 1_000_000, 20_000, 20
LIST_MS = 20


def measure(quick: bool) -> list[Row]:
    """Every way to ask, a few dozen times; the slowest counts."""
    runs, turns = (QUICK, 5) if quick else (RUNS, 50)
    with rig("web", UV_WEB_WORKERS="1") as hub:
        engine = hub.engine()
        load_runs(engine, runs)
        engine.dispose()
        hub.await_web()
        line = HTTPConnection(*split_address(hub.settings.address))
        taken = {way or "all": times_of(line, f"/Manifest{way}", turns) for way in ways(runs)}
        line.close()
    slowest = max(taken, key=lambda way: percentile(taken[way], 0.95))
    row = at_most(f"lists: /Manifest, {len(taken)} ways, {runs:,} runs: p95 of the slowest", LIST_MS, percentile(taken[slowest], 0.95), "ms")
    middle = median([time for each in taken.values() for time in each])
    return [replace(row, measured=f"{row.measured} ({slowest}; p50 of all {middle:.3g} ms)")]


def ways(runs: int) -> list[str]:
    """First pages and such from the middle: all, of a state, of an operation."""
    middle = cursor_of(bulk.ticket_of(runs // 2))
    filters = ["", *(f"status={status.replace(' ', '%20')}" for status in STATUSES), "operation=op-7"]
    return [f"?{'&'.join(filter(None, (one, deep)))}".rstrip("?") for one in filters for deep in ("", f"after={middle}")]


def load_runs(engine: sa.Engine, count: int) -> None:
    """So many runs: of each thousand ten are in each state but Complete, which all the others are."""
    cases = "".join(f" WHEN n % 1000 < {(place + 1) * 10} THEN '{status}'" for place, status in enumerate(STATUSES) if status != "Complete")
    words = dict.fromkeys(("operation_hash", "operation_name", "revision_id", "actor", "parent_run"), "bench")
    numbers = dict.fromkeys(("depth", "active", "waiting", "steps", "errors", "items", "seq"), 0)
    times = dict.fromkeys(("started_at", "stopped_at", "last_event_at"), bulk.NOW)
    state = {"Global": {}, "Operation": {"name": "world"}, "Output": {"text": "Hello, world!"}, "Queue": [], "Joins": {}}
    own = {"run_hash": "run-bench", "ticket": bulk.ticket_of(0), "hub": HUB, "status": "Complete", "mode": "standard", "origin": "api"}
    flags = {"retried": False, "awaited": False, "revision": 1, "occurrence_id": None, "parent": None}
    changed = {
        "run_hash": "printf('run-bench-%012d', n)",
        "ticket": "printf('01900000-0000-7000-8000-%012d', n)",
        "operation_hash": f"printf('op-%d', n % {OPERATIONS})",
        "status": f"CASE{cases} ELSE 'Complete' END",
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(run), {**words, **numbers, **times, **own, **flags, "state": state})
        bulk.copies(connection, run, count, changed)
