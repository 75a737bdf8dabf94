"""Laws of the engine, on graphs that nobody has thought of: every run ends, nothing is done twice, and the same happenings give the same."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schema.runs.rules.engine import advance
from schema.runs.rules.graph import Plan
from schema.runs.rules.nodes import BUSY
from schema.runs.rules.run import FINAL, Ended, Execute, Finished, Run, Start, Work
from tests.schema.runs.graphs import CATALOG, World, edge, node, planned

#: Types with the events that enter and leave them, and settings with which they work or fail.
KINDS: list[tuple[str, list[str], list[str], dict[str, Any]]] = [
    ("beacon-lab-do", ["Trigger"], ["Complete", "Error"], {}),
    ("set-value", ["Execute"], ["Complete", "Error"], {"Value": "{~D:Operation.n~}", "ToAddress": "Operation.n"}),
    ("set-value", ["Execute"], ["Complete", "Error"], {"ToAddress": "Task.x"}),
    ("if-conditional", ["Evaluate"], ["True", "False"], {"Expression": "1 < 2"}),
    ("split-execute", ["PerformSplit", "StepComplete"], ["TokenDataSent", "CompletedAllSubtasks"], {"InputString": "a,b", "SplitDelimiter": ","}),
    ("launch-operation", ["Launch"], ["Completed", "Error"], {"OperationHash": "other"}),
    ("get-text", ["Trigger"], ["Complete", "Error"], {"URL": "http://x/"}),
    ("value-input", ["RequestInput"], ["ValueInputComplete", "Cancelled"], {"OutputAddress": "Operation.n", "TimeoutMs": 1_000}),
    ("random-string", ["Generate"], ["Complete"], {"Destination": "Operation.n"}),
    ("nonsense", ["In"], ["Out"], {}),
    ("end", ["In"], [], {}),
]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
    policy = st.fixed_dictionaries({"MaxAttempts": st.integers(1, 3), "TimeoutMs": st.sampled_from([0, 1_000])})
    nodes = [node(f"n{place}", kind[0], draw(st.sampled_from(["any", "all"])), draw(policy), **kind[3]) for place, kind in enumerate(kinds)]
    edges: list[Any] = []
    for place in range(draw(st.integers(1, 14))):
        source, target = draw(st.integers(-1, len(kinds) - 1)), draw(st.integers(0, len(kinds) - 1))
        leaving = ["Out"] if source < 0 else kinds[source][2]
        if leaving:
            name = "start" if source < 0 else f"n{source}"
            edges.append(edge(f"{name}.{draw(st.sampled_from(leaving))}>n{target}.{draw(st.sampled_from(kinds[target][1]))}") | {"Hash": str(place)})
    return planned(nodes, edges, MaxExecutions=draw(st.sampled_from([20, 200])))


class Moody(World):
    """Beacons, workers and operations that fail as their chance likes, and say some things twice."""

    def answer(self, effect: Work | Execute | Start) -> Finished:
        good = super().answer(effect)
        if self.chance.random() < 0.3:
            good = replace(good, error="bad luck", again=self.chance.random() < 0.5)
        if self.chance.random() < 0.3:
            self.open.append(good)
        return good


def played(plan: Plan, seed: int) -> Moody:
    world = Moody(plan, chance=random.Random(seed))
    world.play()
    return world


SEEDS = st.integers(0, 2**32)
ENOUGH = settings(max_examples=150, deadline=None)


@ENOUGH
@given(plans(), SEEDS)
def test_every_run_ends_once_with_nothing_left(plan: Plan, seed: int) -> None:
    world = played(plan, seed)
    assert world.run.status in FINAL
    assert len([effect for effect in world.effects if isinstance(effect, Ended)]) == 1
    assert (world.run.queue, world.run.active, world.run.waiting, dict(world.run.joins)) == ((), 0, 0, {})
    assert [hash for hash in world.run.nodes if world.run.nodes[hash].status in BUSY] == []
    assert (world.run.status == "Complete") == (world.run.errors == 0)


@ENOUGH
@given(plans(), SEEDS)
def test_nothing_is_ordered_twice_for_one_attempt_of_one_execution(plan: Plan, seed: int) -> None:
    ordered = Counter(
        (effect.node, effect.execution, effect.attempt) for effect in played(plan, seed).effects if isinstance(effect, Work | Execute | Start)
    )
    assert [one for one, count in ordered.items() if count > 1] == []


@ENOUGH
@given(plans(), SEEDS)
def test_executions_are_numbered_without_gaps_and_each_has_one_end(plan: Plan, seed: int) -> None:
    world = played(plan, seed)
    begun, ended = Counter(world.notes("TaskStart")), Counter(world.notes("TaskComplete") + world.notes("TaskError"))
    for hash in world.run.nodes:
        kind = plan.nodes[hash].type
        if kind not in ("start", "end"):
            assert begun[hash] == world.run.nodes[hash].execution
            canceled = world.run.nodes[hash].status == "Canceled"
            joined = "The join" in "".join(world.said("TaskError"))
            assert joined or ended[hash] == begun[hash] - canceled


@ENOUGH
@given(plans(), SEEDS)
def test_a_replay_is_the_run_itself(plan: Plan, seed: int) -> None:
    world = played(plan, seed)
    run, effects = Run("run-1"), []
    for happening, now in world.history:
        run, more = advance(plan, CATALOG, run, happening, now)
        run = replace(run, nodes=run.nodes.settled())
        effects += more
    assert effects == world.effects
    assert {hash: run.nodes[hash] for hash in run.nodes} == {hash: world.run.nodes[hash] for hash in world.run.nodes}
    assert (run.status, run.operation_state, run.steps, run.errors) == (
        world.run.status,
        world.run.operation_state,
        world.run.steps,
        world.run.errors,
    )
