"""Resident memory of each process, before and after load."""

from __future__ import annotations

from collections.abc import Mapping

from bench.figures import Row, at_most, plain

GOALS = {"web": 120.0, "worker": 200.0}

Resident = Mapping[str, list[float]]


def rows(idle: Resident, loaded: Resident) -> list[Row]:
    """The largest process of each service; goals are for the state after load."""
    found = []
    for name, sizes in loaded.items():
        words = f"memory: {name}, largest of {len(sizes)} process{'es' if len(sizes) > 1 else ''}"
        found.append(plain(f"{words}, idle", f"{max(idle[name]):.0f} MB"))
        goal = GOALS.get(name)
        after = f"{words}, after load"
        found.append(at_most(after, goal, max(sizes), "MB") if goal else plain(after, f"{max(sizes):.0f} MB"))
    found.append(plain("memory: all processes together, idle", f"{sum(map(sum, idle.values())):.0f} MB"))
    return found
