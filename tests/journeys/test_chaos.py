"""Nothing that was promised is lost and nothing is done twice, whatever is killed: `bench.chaos` at the length of a test.

A failing drill prints its seed and the folder with its database and logs; `CHAOS_SEED=<seed>` deals the same blows again.
"""

from __future__ import annotations

import os
from random import SystemRandom

import pytest
from rich.console import Console

from bench import chaos
from bench.chaos.load import Answer
from bench.chaos.monkey import Struck
from bench.chaos.plan import DECK, blows
from bench.chaos.report import recovery, recovery_of_work


def seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or SystemRandom().randrange(10**6))


def held_a_drill(plan: chaos.Plan) -> chaos.Report:
    """Its report is in the output of a test that fails."""
    report = chaos.run(plan, print)
    report.show(Console(width=150))
    assert report.breaches == {}
    assert (report.accepted, report.lost, report.duplicated) == (plan.items, 0, 0)
    assert report.kills >= plan.kills
    assert report.executed_twice <= report.kills
    assert set(report.completed) == {"http", "websocket"}
    assert all(report.completed.values()), "a drill in which one road did nothing proves nothing about it"
    return report


@pytest.mark.timeout(420)
def test_sixty_kills_lose_nothing_of_three_thousand_items() -> None:
    report = held_a_drill(chaos.Plan(seed=seed(), kills=60, items=3_000))
    assert report.blows.keys() >= {"kill redis", "kill web", "kill beat", "pause redis", "flush redis"}, "a drill that misses somebody proves little"


@pytest.mark.timeout(240)
def test_fifteen_kills_lose_nothing_on_postgresql(postgresql_url: str) -> None:
    held_a_drill(chaos.Plan(seed=seed(), kills=15, items=600, database=postgresql_url))


def test_a_seed_deals_the_same_blows_again() -> None:
    plan = chaos.Plan(seed=7, kills=60)
    dealt = list(blows(plan))
    assert dealt == list(blows(plan))
    assert dealt != list(blows(chaos.Plan(seed=8, kills=60)))
    assert sum(blow.kind.startswith("kill") for blow in dealt) == 60
    assert {blow.kind for blow in dealt} == {kind for kind, _ in DECK}


def test_recovery_lasts_from_the_blow_to_the_first_answer_to_a_later_request() -> None:
    answers = [
        Answer("k1", "wi-1", begun=0.0, at=10.5, tries=1),
        Answer("k2", "wi-2", begun=10.2, at=13.0, tries=1),
        Answer("k3", "wi-3", 11.0, 12.0, 1),
    ]
    times = recovery([Struck(10.0, "kill", "beacon-1"), Struck(20.0, "kill", "web")], answers)
    assert times == {kind: {"n": 1, "p50": 2.0, "p99": 2.0, "max": 2.0} for kind in ("all", "kill beacon")}


def test_work_recovers_with_the_first_attempt_that_began_after_the_blow() -> None:
    struck = [Struck(0.0, "kill", "web", clock=100.0), Struck(0.0, "kill", "web", clock=200.0)]
    done = {"http": [(99.0, 101.0), (101.0, 105.0), (102.0, 103.5)], "websocket": []}
    assert recovery_of_work(struck, done) == {"work over http": {"n": 1, "p50": 3.5, "p99": 3.5, "max": 3.5}}
