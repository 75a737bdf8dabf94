"""What an exercise is held to, each as a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ultravisor.exercises.measuring import BLOCKED_SECONDS, LEAST_BLOCKED_SECONDS, Item, Run, blocked_seconds, peaks
from ultravisor.exercises.plan import Exercise

Verdict = dict[str, Any]


def verdicts(of: Exercise, measured: Mapping[str, Any], items: Sequence[Item], runs: Sequence[Run], slots: Mapping[str, int]) -> list[Verdict]:
    """Every assertion of the exercise, with what was expected, what was seen, and whether it holds."""
    return [_judged(name, wanted, of, measured, items, runs, slots) for name, wanted in of.document["Assertions"].items()]


def _judged(
    name: str, wanted: Any, of: Exercise, measured: Mapping[str, Any], items: Sequence[Item], runs: Sequence[Run], slots: Mapping[str, int]
) -> Verdict:
    bad = [run for run in runs if run.status != "Complete"]
    good = len(runs) - len(bad)
    failed = len(bad) + measured["NotBegun"]
    if name in ("MaxDrainSeconds", "MaxOperationDurationSeconds"):
        limit = round(of.limit(name) or 0.0, 1)
        seen = measured["DrainSeconds"] if name == "MaxDrainSeconds" else longest(runs)
        return _verdict(name, f"<= {limit}", seen, seen <= limit)
    if name == "MaxFailedItems":
        seen = sum(item.status != "Complete" for item in items) + measured["NotBegun"]
        return _verdict(name, f"<= {wanted}", seen, seen <= wanted)
    if name == "MaxFailedOperations":
        return _verdict(name, f"<= {wanted}", failed, failed <= wanted)
    if name == "MinSuccessfulOperations":
        return _verdict(name, f">= {wanted}", good, good >= wanted)
    if name == "AllOperationsCompleted":
        return _verdict(name, "all", f"{good} of {len(runs) + measured['NotBegun']}", failed == 0)
    if name == "FailureIsolation":
        strays = sum(not run.bent for run in bad)
        return _verdict(name, "one that was bent fails, no other", f"{len(bad)} failed, {strays} of them not bent", bool(bad) and not strays)
    if name == "MinObservedConcurrencyByCapability":
        seen_peaks = peaks(items)
        return _verdict(name, wanted, seen_peaks, all(seen_peaks.get(capability, 0) >= least for capability, least in wanted.items()))
    if name == "NoCrossCapabilityHeadOfLineBlocking":
        limit = max(BLOCKED_SECONDS * of.scale, LEAST_BLOCKED_SECONDS)
        blocked = blocked_seconds(items, slots)
        return _verdict(name, f"< {limit} s with items waiting and a slot free", blocked, all(seconds < limit for seconds in blocked.values()))
    return _verdict(name, wanted, "nobody knows this assertion", False)


def _verdict(name: str, expected: Any, observed: Any, passed: bool) -> Verdict:
    return {"Name": name, "Expected": expected, "Observed": observed, "Passed": passed}


def longest(runs: Sequence[Run]) -> float:
    """Seconds of the longest run that has ended."""
    return round(max(((run.stopped_at - run.started_at).total_seconds() for run in runs if run.stopped_at is not None), default=0.0), 3)
