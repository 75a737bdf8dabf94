"""The drill: warm up, measure, strike for as long as planned, measure again, drain, stop, audit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import orjson

from bench.chaos.evidence import Evidence, Rows, gather, moment
from bench.chaos.house import BEACONS, TRANSPORTS, House, settings_for
from bench.chaos.laws import breaches
from bench.chaos.load import Answer, Load
from bench.chaos.monkey import Struck, strike_all
from bench.chaos.plan import Plan, blows
from bench.chaos.report import Report, counts, recovery, recovery_of_work
from ultravisor import here

#: Seconds for the hub to be ready after its first start.
START_SECONDS = 60.0


class DrillFailed(AssertionError):
    """The hub did not come far enough for an audit."""


def run(plan: Plan, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Carry out a drill. Raises DrillFailed when the hub does not start; anything else that goes wrong is in the report.

    The folder with all data and logs is kept when a law is broken.
    """
    began = monotonic()
    data = plan.folder or Path(tempfile.mkdtemp(prefix="uv-chaos-"))
    tell(f"seed {plan.seed}, data in {data}")
    drill = Drill(plan, data, tell)
    with _ended(drill.house):
        drill.carry_out()
    report = drill.report()
    report.seconds = round(monotonic() - began, 1)
    if report.ok and plan.folder is None:
        shutil.rmtree(data, ignore_errors=True)
        report.folder = ""
    return report


@contextmanager
def _ended(house: House) -> Iterator[None]:
    """Whatever happens, no process stays behind."""
    try:
        yield
    finally:
        house.kill()


class Drill:
    """One drill, phase by phase."""

    def __init__(self, plan: Plan, data: Path, tell: Callable[[str], None]) -> None:
        self.plan, self.data, self._tell = plan, data, tell
        self.house = House(settings_for(data, plan.database))
        self.rows = Rows(self.house.settings.database_url)
        self.load = Load(here.reachable(self.house.settings.address), plan.seed, plan.clients)
        self.struck: list[Struck] = []
        self.before: Sequence[Answer] = ()
        self.after: Sequence[Answer] = ()
        self.drained = 0.0

    def carry_out(self) -> None:
        """All phases up to the stop."""
        plan = self.plan
        burst = round(plan.items * plan.burst)
        self._tell("starting")
        self.house.start()
        if not self.house.mind_until(self._ready, START_SECONDS):
            raise DrillFailed(f"not ready within {START_SECONDS:g} s, see {self.data / 'logs'}")
        self._tell(f"measuring with {burst} items")
        self.before = self._send(burst)
        self._strike(plan.items - 2 * burst)
        self._tell(f"{len(self.struck)} blows dealt, measuring again")
        self.after = self._send(burst)
        self._drain()
        self.load.stop()
        self.house.stop()

    def _ready(self) -> bool:
        try:
            return here.ask(self.house.settings, "/readyz", timeout=2)[0] == 200
        except OSError:
            return False

    def _send(self, items: int) -> Sequence[Answer]:
        """Send in one go, and let it be worked off."""
        known = len(self.load.ledger.answers)
        self.load.send(items, 0.0)
        self._until_settled(lambda: len(self.load.ledger.answers), lambda: self.load.done)
        answers = self.load.ledger.answers[known:]
        self._until_settled(self.rows.live, lambda: not self.rows.live())
        return answers

    def _strike(self, items: int) -> None:
        planned = list(blows(self.plan))
        self._tell(f"{len(planned)} blows while {items} items come in")
        # A hub that is down gets more time than planned: without items to the last blow, nobody would see how soon it is back from that.
        self.load.send(items, len(planned) * self.plan.pace, lambda: len(self.struck) / len(planned))
        for struck in strike_all(self.house, planned, self.plan.pace, lambda: len(self.load.ledger.answers)):
            self.struck.append(struck)
        self._until_settled(lambda: len(self.load.ledger.answers), lambda: self.load.done)
        self._until_settled(self.rows.live, lambda: not self.rows.live())

    def _drain(self) -> None:
        """Until nothing is under way: first with the beacons, then, when they have left, what their leaving has caused."""
        last = max((answer.at for answer in self.load.ledger.answers), default=monotonic())
        self._until_settled(self.rows.in_flight, lambda: not self.rows.in_flight())
        self.drained = monotonic() - last
        self.house.end(*BEACONS)
        self._until_settled(self.rows.in_flight, lambda: not self.rows.in_flight())

    def _until_settled(self, moving: Callable[[], int], settled: Callable[[], bool]) -> None:
        """Wait until it is settled, or until nothing has moved for as long as our patience lasts: the audit then says what is missing."""
        while not settled():
            before = moving()
            if not self.house.mind_until(lambda before=before: settled() or moving() != before, self.plan.patience):  # type: ignore[misc]  # mypy: a default makes no signature
                self._tell(f"nothing has moved for {self.plan.patience:g} s, {before} stay")
                return

    def report(self) -> Report:
        """The audit's findings. What was dealt and promised stays in the folder, beside the database and the logs."""
        told = {"blows": self.struck, "answers": self.load.ledger.answers, "refused": self.load.ledger.refused}
        (self.data / "ledger.json").write_bytes(orjson.dumps(told))
        evidence = gather(self.rows, self.load.ledger, self.house.executions)
        found = breaches(evidence)
        report = Report(seed=self.plan.seed, engine=self.rows.engine, folder=str(self.data), breaches=found)
        report.blows = counts(f"{blow.kind} {blow.role}" for blow in self.struck)
        report.kills = sum(blow.kind.startswith("kill") for blow in self.struck)
        done = completed(evidence)
        report.completed = {transport: len(attempts) for transport, attempts in done.items()}
        report.recovery = recovery(self.struck, self.load.ledger.answers) | recovery_of_work(self.struck, done)
        report.rate_before, report.rate_after = rate(self.before), rate(self.after)
        report.drained_seconds = round(self.drained, 1)
        report.ended_unasked, report.stubborn = self.house.ended_unasked, self.house.stubborn
        _judge(report, evidence, self.plan.items)
        return report


def _judge(report: Report, evidence: Evidence, items: int) -> None:
    ledger = evidence.ledger
    report.items, report.accepted, report.refused = items, len(ledger.answers), len(ledger.refused)
    report.repeats = dict(ledger.repeats.most_common())
    report.lost = sum(answer.work_item_hash not in evidence.items for answer in ledger.answers)
    report.duplicated = sum(len(hashes) - 1 for hashes in evidence.hashes.values())
    report.executed_twice = sum(max(0, number - 1) for number in evidence.executions.values())
    report.statuses = counts(item["status"] for item in evidence.items.values())
    report.attempts = counts(attempt["outcome"] for attempts in evidence.attempts.values() for attempt in attempts)
    if report.accepted != items:
        report.breaches["all_items_are_accepted"] = [f"{report.accepted} of {items} were answered"]


def completed(evidence: Evidence) -> dict[str, list[tuple[float, float]]]:
    """Begin and end of every completed attempt, by the transport of its beacon."""
    found: dict[str, list[tuple[float, float]]] = {transport: [] for transport in TRANSPORTS.values()}
    for attempts in evidence.attempts.values():
        for attempt in attempts:
            if attempt["outcome"] == "Complete":
                transport = TRANSPORTS[evidence.beacons[attempt["beacon_id"]]]
                found[transport].append((moment(attempt["started_at"]), moment(attempt["ended_at"])))
    return found


def rate(answers: Sequence[Answer]) -> float:
    """Answers for each second, from the first request to the last answer."""
    if not answers:
        return 0.0
    return round(len(answers) / max(max(answer.at for answer in answers) - min(answer.begun for answer in answers), 1e-9), 1)
