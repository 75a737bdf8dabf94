"""Carry an exercise out on a hub that runs: prepare, kick, wait, and read back what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import here
from ultravisor.exercises import evidence, judging, measuring
from ultravisor.exercises.plan import Exercise, Kick, fleet_of, items_of, kicks_of, operations_of

#: Kicks of one request.
_MANY = 200
#: Between two looks at what is due, and at what has ended.
_PAUSE, _LOOK = 0.02, 0.25
#: How long a hub that does not take something is asked again, at least.
_PATIENCE_SECONDS = 60.0

#: Called with what is under way: kicks done, kicks in all, how many have ended.
Tick = Callable[[int, int, int], None]


@dataclass
class Drive:
    """One exercise under way."""

    settings: Settings
    exercise: Exercise
    tick: Tick
    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    #: Runs of operations, and whether their settings were bent; or the one run of the hub that holds the items.
    runs: dict[str, bool] = field(default_factory=dict)
    hub_run: str = ""
    items: list[str] = field(default_factory=list)
    begun: int = 0
    not_begun: int = 0
    _clones: list[str] = field(default_factory=list)

    def carry_out(self) -> dict[str, Any]:
        """What it has shown: `State`, `Measured`, `Verdicts`, `Passed`. An interrupted one ends as Canceled, one that takes too long as TimedOut."""
        state = "Complete"
        try:
            kicks = self._prepared()
            deadline = monotonic() + self.exercise.patience_seconds
            self._kick(kicks, deadline)
            state = self._await(len(kicks), deadline)
        except KeyboardInterrupt:
            state = "Canceled"
        if state != "Complete":
            self._cancel()
        self._tidy()
        return self._told(state)

    def _prepared(self) -> list[Kick]:
        if not self.exercise.of_operations:
            return items_of(self.exercise)
        hashes = {}
        for key, document in operations_of(self.exercise, self.mark).items():
            hashes[key] = self._post("/Operation", document)["Hash"]
            if hashes[key] != key[0]:
                self._clones.append(hashes[key])
        return kicks_of(self.exercise, hashes)

    def _kick(self, kicks: Sequence[Kick], deadline: float) -> None:
        """Begin each at its time; what has become due meanwhile goes together."""
        began, sent = monotonic(), 0
        while sent < len(kicks) and monotonic() < deadline:
            due = [kick for kick in kicks[sent : sent + _MANY] if kick.at <= monotonic() - began]
            if due:
                self._begin(due)
                sent += len(due)
            else:
                sleep(min(max(kicks[sent].at - (monotonic() - began), 0.0), _PAUSE))
            self.tick(sent, len(kicks), 0)
        self.not_begun += len(kicks) - sent

    def _begin(self, due: Sequence[Kick]) -> None:
        if self.exercise.of_operations:
            answer = self._post("/Operation/Execute/Batch", {"Operations": [kick.body for kick in due]})
            refused = {error["Index"] for error in answer["Errors"]}
            begun = [kick for index, kick in enumerate(due) if index not in refused]
            self.runs.update({row["RunHash"]: kick.bent for row, kick in zip(answer["Runs"], begun, strict=True)})
        else:
            body = {"Items": [kick.body for kick in due], "SubmitterTag": f"exercise {self.exercise.hash}"}
            answer = self._post("/Beacon/Work/Enqueue/Batch", body | ({"RunID": self.hub_run} if self.hub_run else {}))
            refused = {error["Index"] for error in answer["Errors"]}
            self.hub_run = self.hub_run or answer["RunID"]
            self.items += [row["WorkItemHash"] for row in answer["Items"]]
        self.begun += len(due) - len(refused)
        self.not_begun += len(refused)

    def _post(self, path: str, body: object) -> Any:
        """The answer. A hub that is busy is asked again: the key makes that safe. Raises Unavailable."""
        key, deadline = uuid4().hex, monotonic() + max(_PATIENCE_SECONDS, self.exercise.patience_seconds)
        while True:
            try:
                status, answer = here.ask(self.settings, path, body, key=key)
            except OSError as trouble:
                status, answer = 503, str(trouble)
            if status < 400:
                return answer
            if status not in (429, 503) or monotonic() > deadline:
                raise Unavailable(f"the hub answered {status} to {path}: {answer}")
            sleep(min(float(answer.get("RetryAfterSeconds", 0.2)) if isinstance(answer, dict) else 0.2, 1.0))

    def _await(self, total: int, deadline: float) -> str:
        waiting = set(self.runs)
        while True:
            waiting = evidence.open_runs(self.settings, waiting) if self.runs else waiting
            left = len(waiting) if self.runs else evidence.open_items(self.settings, self.hub_run)
            self.tick(total, total, self.begun - left)
            if not left:
                return "Complete"
            if monotonic() > deadline:
                return "TimedOut"
            sleep(_LOOK)

    def _cancel(self) -> None:
        for run in evidence.open_runs(self.settings, self.runs) if self.runs else ():
            with suppress(OSError):
                here.ask(self.settings, f"/Manifest/{quote(run)}/Abandon", {"Reason": "the exercise has ended"})
        if self.items:
            with suppress(OSError):
                here.ask(self.settings, "/Beacon/Work/Cancel/Batch", {"Hashes": self.items, "Reason": "the exercise has ended"})

    def _tidy(self) -> None:
        """The operations that were made for this exercise; their runs keep the revision that they have."""
        for hash in self._clones:
            with suppress(OSError):
                here.ask(self.settings, f"/Operation/{quote(hash)}", method="DELETE")

    def _told(self, state: str) -> dict[str, Any]:
        items = evidence.items(self.settings, self.runs or ([self.hub_run] if self.hub_run else []))
        runs = evidence.runs(self.settings, self.runs)
        slots = _slots(self.exercise)
        measured = self._measured(items, runs, slots)
        found = judging.verdicts(self.exercise, measured, items, runs, slots) if state == "Complete" else []
        if not all(verdict["Passed"] for verdict in found):
            state = "FailedAssertions"
        return {"State": state, "Measured": measured, "Verdicts": found, "Passed": state == "Complete"}

    def _measured(self, items: Sequence[measuring.Item], runs: Sequence[measuring.Run], slots: dict[str, int]) -> dict[str, Any]:
        begins = [run.started_at for run in runs] or [item.enqueued_at for item in items]
        ends = [run.stopped_at for run in runs if run.stopped_at] or [item.ended_at for item in items if item.ended_at]
        drain = round((max(ends) - min(begins)).total_seconds(), 3) if ends and begins else 0.0
        many, ideal = measuring.busiest(items, slots), self.exercise.ideal_seconds
        told: dict[str, Any] = {
            "Items": evidence.counts(items),
            "NotBegun": self.not_begun,
            "IdealDrainSeconds": round(ideal, 3),
            "DrainSeconds": drain,
            "OverIdealSeconds": round(drain - ideal, 3),
            "OverheadPerItemMs": round((drain - ideal) * 1000 / many, 1) if many else 0.0,
            "PeakRunning": measuring.peaks(items),
            **measuring.times(items),
        }
        if self.runs:
            lasted = [(run.stopped_at - run.started_at).total_seconds() * 1000 for run in runs if run.stopped_at]
            told |= {"Runs": evidence.counts(runs), "OperationMs": measuring.percentiles(lasted)}
        return told


def _slots(of: Exercise) -> dict[str, int]:
    found: dict[str, int] = {}
    for member in fleet_of(of):
        found[member["Capability"]] = found.get(member["Capability"], 0) + int(member["MaxConcurrent"])
    return found
