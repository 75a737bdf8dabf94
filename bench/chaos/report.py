"""What a drill has shown: one record, one table, one JSON line."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.chaos.load import Answer
from bench.chaos.monkey import Struck

#: Sentences that are shown of each broken law.
SHOWN = 5


@dataclass(slots=True, kw_only=True)
class Report:
    """`lost`, `duplicated` and `breaches` are the verdict; everything else is information."""

    seed: int
    engine: str
    blows: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    items: int = 0
    accepted: int = 0
    #: Items whose clients were told that nothing was accepted, and went away.
    refused: int = 0
    lost: int = 0
    duplicated: int = 0
    #: Executions beyond the first of an item that completed; one for each kill is the most that may be.
    executed_twice: int = 0
    attempts: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)
    #: Items that were completed, by the transport of the beacon that did.
    completed: dict[str, int] = field(default_factory=dict)
    #: Seconds from a blow to the first committed answer to a request that was sent after it; `work over <transport>`: to the end of the first
    #: attempt that was given to a beacon of that transport after it and completed.
    recovery: dict[str, dict[str, float]] = field(default_factory=dict)
    rate_before: float = 0.0
    rate_after: float = 0.0
    drained_seconds: float = 0.0
    seconds: float = 0.0
    #: Roles that ended although nobody had hurt them, and roles that did not end when they were told to.
    ended_unasked: list[str] = field(default_factory=list)
    stubborn: list[str] = field(default_factory=list)
    breaches: dict[str, list[str]] = field(default_factory=dict)
    folder: str = ""

    @property
    def ok(self) -> bool:
        return not self.breaches and self.executed_twice <= max(self.kills, 1)

    def line(self) -> str:
        """The report as one line of JSON."""
        short = {name: [len(sentences), *sentences[:SHOWN]] for name, sentences in self.breaches.items()}
        return orjson.dumps(asdict(self) | {"breaches": short, "ok": self.ok}).decode()

    def show(self, console: Console) -> None:
        """The report as a table for people, then as its line."""
        table = Table(title=f"Chaos drill, seed {self.seed}, {self.engine}: {'all laws hold' if self.ok else 'FAILED'}", show_header=False)
        for name, value in self._told().items():
            table.add_row(name, value)
        console.print(table)
        for name, sentences in self.breaches.items():
            console.print(f"[bold red]{name}[/]: {len(sentences)} breaches", *sentences[:SHOWN], sep="\n  ", markup=True, highlight=False)
        console.print(self.line(), soft_wrap=True, markup=False, highlight=False)

    def _told(self) -> dict[str, str]:
        return {
            "blows": _listed(self.blows),
            "items": f"{self.items} sent, {self.accepted} accepted, {self.lost} lost, {self.duplicated} duplicated; {self.refused} refused for good",
            "ends": _listed(self.statuses),
            "attempts": _listed(self.attempts),
            "completed over": _listed(self.completed),
            "executed twice": f"{self.executed_twice} ({self.executed_twice / max(self.kills, 1):.2f} for each kill)",
            "repeated tries": _listed(self.repeats),
            **{f"recovery, {kind}": _seconds(figures) for kind, figures in self.recovery.items()},
            "items/s": f"{self.rate_before:.0f} before, {self.rate_after:.0f} after",
            "time": f"{self.seconds:.0f} s, {self.drained_seconds:.1f} s of it from the last answer to the last item",
            "ended unasked": "; ".join(self.ended_unasked) or "none",
            "did not end in time": ", ".join(self.stubborn) or "none",
            "data": self.folder or "removed",
        }


def recovery(struck: Sequence[Struck], answers: Sequence[Answer]) -> dict[str, dict[str, float]]:
    """p50, p99 and max of the recovery times, of all blows and of each kind on each role."""
    begun = sorted(answers, key=lambda answer: answer.begun)
    # The first answer to anything that began at or after the n-th request.
    earliest = list(accumulate((answer.at for answer in reversed(begun)), min))[::-1]
    times: dict[str, list[float]] = {"all": []}
    position = 0
    for blow in struck:
        while position < len(begun) and begun[position].begun < blow.at:
            position += 1
        if position < len(begun):
            for kind in ("all", f"{blow.kind} {blow.role.partition('-')[0]}"):
                times.setdefault(kind, []).append(earliest[position] - blow.at)
    return {kind: figures(found) for kind, found in sorted(times.items()) if found}


def recovery_of_work(struck: Sequence[Struck], done: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, dict[str, float]]:
    """The same for the work itself, from (begin, end) of the completed attempts by transport, in seconds since 1970."""
    found = {}
    for transport, attempts in sorted(done.items()):
        begun = sorted(attempts)
        earliest = list(accumulate((end for _, end in reversed(begun)), min))[::-1]
        places = ((blow.clock, bisect_left(begun, (blow.clock, 0.0))) for blow in struck)
        times = [earliest[place] - at for at, place in places if place < len(begun)]
        if times:
            found[f"work over {transport}"] = figures(times)
    return found


def figures(times: Sequence[float]) -> dict[str, float]:
    """The few numbers that tell how times are spread."""
    ordered = sorted(times)
    last = len(ordered) - 1
    return {"n": len(ordered)} | {name: round(ordered[round(last * at)], 3) for name, at in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}


def counts(values: Any) -> dict[str, int]:
    """How often each value comes, the most frequent first."""
    return dict(Counter(values).most_common())


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or "none"


def _seconds(spread: dict[str, float]) -> str:
    return f"p50 {spread['p50']:.2f} s, p99 {spread['p99']:.2f} s, max {spread['max']:.2f} s ({spread['n']:.0f})"
