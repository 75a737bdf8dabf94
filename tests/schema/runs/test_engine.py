"""The engine's rules: joins, branches, loops, errors, waiting, retries."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema.runs.rules.engine import advance
from schema.runs.rules.graph import BadGraph, plan_of
from schema.runs.rules.run import (
    Abandoned,
    Answered,
    Begin,
    Due,
    Ended,
    Finished,
    Forced,
    Halted,
    Retried,
    Run,
    Start,
    Withdraw,
    Work,
)
from tests.schema.runs.graphs import CATALOG, NOON, World, edge, node, operation, planned, wire

LINE = planned([node("a"), node("b"), node("end", "end")], ["start.Out>a.Trigger", "a.Complete>b.Trigger", "b.Complete>end.In"])


def fan(join: str) -> Any:
    nodes = [node(name) for name in ("one", "two", "three")] + [node("last", join=join)]
    edges = [edge for name in ("one", "two", "three") for edge in (f"start.Out>{name}.Trigger", f"{name}.Complete>last.Trigger")]
    return planned(nodes, edges)


def test_a_line_is_walked_from_start_to_end() -> None:
    world = World(LINE)
    assert world.play().status == "Complete"
    assert world.notes("TaskComplete") == ["start", "a", "b", "end"]
    assert [effect.status for effect in world.effects if isinstance(effect, Ended)] == ["Complete"]


def test_branches_run_at_once() -> None:
    world = World(fan("all"))
    effects = world.happen(Begin())
    assert [effect.node for effect in effects if isinstance(effect, Work)] == ["one", "two", "three"]


@pytest.mark.parametrize(("join", "times"), [("all", 1), ("any", 3)])
def test_a_join_begins_its_node_once_or_for_each_signal(join: str, times: int) -> None:
    world = World(fan(join))
    assert world.play().status == "Complete"
    assert world.notes("TaskComplete").count("last") == times


def test_a_graph_may_say_that_its_nodes_join_all() -> None:
    document = operation([node("a"), node("b"), node("c")], ["start.Out>a.T", "start.Out>b.T", "a.Complete>c.T", "b.Complete>c.T"], DefaultJoin="all")
    for row in document["Graph"]["Nodes"]:
        row.pop("Join", None)
    world = World(plan_of(document))
    world.play()
    assert world.notes("TaskComplete").count("c") == 1


def test_a_join_that_is_never_filled_is_told_and_fails_the_run() -> None:
    plan = planned(
        [node("if", "if-conditional", Expression="1 > 2"), node("a"), node("b"), node("j", join="all")],
        ["start.Out>if.Evaluate", "if.True>a.Trigger", "if.False>b.Trigger", "a.Complete>j.Trigger", "b.Complete>j.Trigger"],
    )
    world = World(plan)
    assert world.play().status == "Failed"
    assert world.said("TaskError") == ["The join at Trigger never got 1 of its signals."]


def test_a_signal_for_a_busy_node_waits_its_turn_and_is_not_lost() -> None:
    plan = planned([node("a"), node("b"), node("c")], ["start.Out>a.T", "start.Out>b.T", "a.Complete>c.T", "b.Complete>c.T"])
    world = World(plan)
    world.happen(Begin())
    world.happen(Finished("a", 1, 1, {}))
    world.happen(Finished("b", 1, 1, {}))
    assert (world.run.nodes["c"].status, world.run.nodes["c"].backlog) == ("Working", ("T",))
    world.happen(Finished("c", 1, 1, {}))
    assert (world.run.nodes["c"].status, world.run.nodes["c"].execution) == ("Working", 2)
    world.happen(Finished("c", 2, 1, {}))
    assert world.run.status == "Complete"


def test_a_report_of_another_execution_changes_nothing() -> None:
    world = World(LINE)
    world.happen(Begin())
    before = world.run
    for late in (Finished("a", 2, 1, {}), Finished("a", 1, 2, {}), Finished("b", 1, 1, {}), Finished("nobody", 1, 1, {})):
        assert world.happen(late) == []
    assert world.run == before
    world.happen(Finished("a", 1, 1, {}))
    assert world.happen(Finished("a", 1, 1, {"Result": "twice"})) == []


def test_an_error_without_an_edge_fails_the_run_when_the_rest_is_done() -> None:
    plan = planned([node("a"), node("b")], ["start.Out>a.T", "start.Out>b.T"])
    world = World(plan)
    world.happen(Begin())
    world.happen(Finished("a", 1, 1, {}, error="broken"))
    assert world.run.status == "In Progress"
    world.happen(Finished("b", 1, 1, {}))
    assert (world.run.status, world.run.errors) == ("Failed", 1)


def test_an_error_that_an_edge_takes_fails_nothing() -> None:
    plan = planned([node("a"), node("sorry", "error-message", MessageTemplate="It broke")], ["start.Out>a.T", "a.Error>sorry.Trigger"])
    world = World(plan)
    world.happen(Begin())
    world.happen(Finished("a", 1, 1, {}, error="broken"))
    assert (world.run.status, world.run.errors) == ("Complete", 0)


def test_a_loop_sends_one_part_after_the_other() -> None:
    plan = planned(
        [
            node("split", "split-execute", InputString="x,y,z", SplitDelimiter=","),
            node("a"),
            node("after", "set-value", Value=1, ToAddress="Operation.n"),
        ],
        [
            *("start.Out>split.PerformSplit", "split.TokenDataSent>a.T", "a.Complete>split.StepComplete", "split.CompletedAllSubtasks>after.Execute"),
            wire("split.CurrentToken>a.Token"),
        ],
    )
    world = World(plan)
    assert world.play().status == "Complete"
    assert [effect.item.settings["Token"] for effect in world.effects if isinstance(effect, Work)] == ["x", "y", "z"]
    assert world.run.operation_state == {"n": 1}


def test_settings_come_from_defaults_graph_retry_and_connections_in_this_order() -> None:
    nodes = [
        node("a", "set-value", Value="{~D:Record.Operation.rows~}", ToAddress="Operation.copy"),
        node("b", "template-string", Template="{~D:Operation.rows[1].n~} of {~D:rows~}", Destination="Output.text"),
        node("c", "set-value", Value="own", ToAddress="Operation.wired"),
    ]
    edges = ["start.Out>a.Execute", "a.Complete>b.In", "b.Complete>c.Execute", wire("b.Result>c.Value", Template="<{~D:Record.Value~}>")]
    world = World(planned(nodes, edges), run=Run("r", operation_state={"rows": [{"n": 1}, {"n": 2}]}))
    world.play()
    assert world.run.operation_state["copy"] == [{"n": 1}, {"n": 2}], "a single tag keeps its type"
    assert world.run.output == {"text": '2 of [{"n":1},{"n":2}]'}
    assert world.run.operation_state["wired"] == '<2 of [{"n":1},{"n":2}]>'


def test_what_came_through_a_connection_is_no_template() -> None:
    nodes = [node("a"), node("b", "set-value", ToAddress="Operation.got")]
    world = World(planned(nodes, ["start.Out>a.T", "a.Complete>b.Execute", wire("a.Result>b.Value")]), run=Run("r", global_state={"secret": "s"}))
    world.happen(Begin())
    world.happen(Finished("a", 1, 1, {"Result": "{~D:Global.secret~}"}))
    assert world.run.operation_state == {"got": "{~D:Global.secret~}"}


def test_a_node_is_tried_again_after_a_pause_as_its_policy_says() -> None:
    plan = planned([node("get", "get-text", URL="http://x/", policy={"MaxAttempts": 3, "RetryBackoffMs": 100})], ["start.Out>get.Trigger"])
    world = World(plan)
    world.happen(Begin())
    world.happen(Finished("get", 1, 1, {}, error="no answer", again=True))
    assert (world.run.nodes["get"].status, world.run.nodes["get"].due_at) == ("Paused", NOON + timedelta(milliseconds=100))
    assert world.happen(Due(("get",))) == [], "too early"
    world.now += timedelta(seconds=1)
    world.happen(Due(("get",)))
    assert world.run.nodes["get"].attempt == 2
    world.happen(Finished("get", 1, 1, {}, error="late", again=True))
    assert world.run.nodes["get"].attempt == 2
    world.happen(Finished("get", 1, 2, {}, error="not found", again=False))
    assert world.run.status == "Failed"


def test_the_time_of_a_node_ends_it_and_takes_back_its_work() -> None:
    world = World(planned([node("a", policy={"TimeoutMs": 1_000})], ["start.Out>a.T"]))
    world.happen(Begin())
    world.now += timedelta(seconds=2)
    effects = world.happen(Due(("a",)))
    assert Withdraw("a", 1, "Working") in effects
    assert world.run.status == "Failed"


def asking(**data: Any) -> World:
    nodes = [node("ask", "value-input", OutputAddress="Operation.name", PromptMessage="Who?", **data), node("b"), node("late")]
    return World(planned(nodes, ["start.Out>ask.RequestInput", "ask.ValueInputComplete>b.T", "ask.Cancelled>late.T"]))


def test_a_run_waits_for_an_answer_and_goes_on_with_it() -> None:
    world = asking()
    world.happen(Begin())
    assert world.run.status == "Waiting"
    assert world.notes("ExecutionWaiting") == [""]
    assert world.notes("ExecutionComplete") == []
    world.happen(Answered("ask", {"a": 1}, "user:ada"))
    assert world.run.operation_state == {"name": {"a": 1}}
    assert world.run.nodes["b"].status == "Working"
    assert world.happen(Answered("ask", 2, "user:bob")) == [], "the first answer is the answer"


def test_a_default_is_taken_without_asking() -> None:
    world = asking(DefaultValue="Ada")
    world.happen(Begin())
    assert (world.run.operation_state, world.run.nodes["b"].status) == ({"name": "Ada"}, "Working")


def test_a_question_that_nobody_answers_in_time_takes_its_own_event() -> None:
    world = asking(TimeoutMs=5_000)
    world.happen(Begin())
    world.now += timedelta(seconds=6)
    world.happen(Due(("ask",)))
    assert (world.run.nodes["late"].status, world.run.nodes["b"].status) == ("Working", "Idle")


def test_a_waiting_node_can_be_forced_to_fail() -> None:
    world = asking()
    world.happen(Begin())
    world.happen(Forced("ask", "enough", "user:ada"))
    assert world.run.status == "Failed"
    assert world.said("TaskError") == ["Forced by user:ada: enough"]


def test_an_abandoned_run_takes_back_everything_and_never_changes_again() -> None:
    world = World(fan("all"))
    world.happen(Begin())
    effects = world.happen(Abandoned("no use", "user:ada"))
    assert Withdraw("", 0, "") in effects
    assert (world.run.status, world.run.active) == ("Abandoned", 0)
    assert world.happen(Finished("one", 1, 1, {})) == []
    assert world.happen(Abandoned("again", "user:bob")) == []


def test_a_retry_begins_the_failed_node_and_keeps_what_others_brought() -> None:
    world = World(LINE)
    world.happen(Begin())
    world.happen(Finished("a", 1, 1, {"Result": 7}))
    world.happen(Finished("b", 1, 1, {}, error="broken"))
    assert world.run.status == "Failed"
    effects = world.happen(Retried(("b",), {"Speed": "slow"}, "user:ada"))
    assert world.run.status == "Retrying"
    (work,) = [effect for effect in effects if isinstance(effect, Work)]
    assert (work.node, work.execution, work.item.settings["Speed"]) == ("b", 2, "slow")
    world.happen(Finished("b", 2, 1, {}))
    assert (world.run.status, world.run.nodes["a"].outputs) == ("Complete", {"Result": 7})
    assert world.happen(Retried((), None, "x")) == []


def test_an_operation_within_an_operation_is_ordered_with_its_parameters() -> None:
    nodes = [node("sub", "launch-operation", OperationHash="other", InputData='{"n": "{~D:Operation.n~}"}', InheritGlobalState=True)]
    world = World(planned(nodes, ["start.Out>sub.Launch"]), run=Run("r", operation_state={"n": 5}))
    effects = world.happen(Begin())
    (start,) = [effect for effect in effects if isinstance(effect, Start)]
    assert (start.operation.operation, start.operation.parameters, start.operation.inherit_global) == ("other", {"n": "5"}, True)
    world.happen(Finished("sub", 1, 1, {"Status": "Failed"}))
    assert world.run.status == "Failed"


def test_a_circle_ends_in_a_clear_error() -> None:
    nodes = [node("a", "set-value", Value=1, ToAddress="x"), node("b", "set-value", Value=2, ToAddress="x")]
    world = World(planned(nodes, ["start.Out>a.Execute", "a.Complete>b.Execute", "b.Complete>a.Execute"], MaxExecutions=1_000))
    assert world.play().status == "Error"
    assert world.said("TaskError") == ["more than 1000 executions; does the graph turn in a circle?"]


def test_a_circle_that_multiplies_ends_too() -> None:
    nodes = [node(name, "set-value", Value=1, ToAddress="x") for name in "ab"]
    edges = [
        "start.Out>a.Execute",
        "start.Out>b.Execute",
        "a.Complete>b.Execute",
        "b.Complete>a.Execute",
        "a.Complete>a.Execute",
        "b.Complete>b.Execute",
    ]
    assert World(planned(nodes, edges)).play().status == "Error"


def test_a_template_bomb_ends_in_a_clear_error() -> None:
    text = "{~D:Operation.big~}" * 900
    nodes = [node("bomb", "template-string", Template=text), node("tags", "template-string", Template="{~D:Operation.n~}." * 2_000)]
    world = World(planned(nodes, ["start.Out>bomb.In", "start.Out>tags.In"]), run=Run("r", operation_state={"big": "x" * 100_000}))
    assert world.play().status == "Failed"
    assert {said.partition(" may")[0].partition(" has")[0] for said in world.said("TaskError")} == {"a template"}


@pytest.mark.parametrize("type", ["", "no-such-type", "beacon-nobody-does"])
def test_an_unknown_type_fails_its_node_and_says_so(type: str) -> None:
    world = World(planned([node("a", type)], ["start.Out>a.T"]))
    assert world.play().status == "Failed"
    assert "There is no task type" in world.said("TaskError")[0]


def test_settings_that_make_no_sense_fail_their_node_and_say_so() -> None:
    world = World(
        planned([node("a", "set-value"), node("b", "set-value", ToAddress="TaskOutput.a.x")], ["start.Out>a.Execute", "start.Out>b.Execute"])
    )
    assert world.play().status == "Failed"
    assert world.said("TaskError") == ["set-value: ToAddress: Missing data for required field.", "TaskOutput cannot be written"]


def test_a_graph_without_a_start_is_an_error() -> None:
    document = operation([node("a")], [])
    del document["Graph"]["Nodes"][0]
    world = World(plan_of(document))
    world.happen(Begin())
    assert world.run.status == "Error"
    assert World(LINE).happen(Halted("the state is too large"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda graph: graph["Nodes"].append({"Hash": "a", "Type": "x"}), "two nodes are called a"),
        (lambda graph: graph["Nodes"].append({"Type": "x"}), "a node has no Hash"),
        (lambda graph: graph["Connections"].append(edge("a.Out>nobody.In")), "connection a.Out>nobody.In: there is no node nobody"),
        (lambda graph: graph["Nodes"][1].update(Join="some"), "node a: Join is any or all, not some"),
        (lambda graph: graph["Nodes"][1].update(Policy={"MaxAttempts": 0}), "node a: Policy.MaxAttempts is a whole number from 1 to 100"),
        (lambda graph: graph["Nodes"].extend({"Hash": str(n), "Type": "x"} for n in range(10_000)), "a graph has at most 10000 nodes"),
    ],
)
def test_a_graph_that_cannot_be_walked_is_refused(spoil: Any, said: str) -> None:
    document = operation([node("a")], ["start.Out>a.T"])
    spoil(document["Graph"])
    with pytest.raises(BadGraph, match=said):
        plan_of(document)


def test_ports_of_the_original_s_files_are_understood() -> None:
    ports = [{"Hash": "p1", "Label": "Complete", "Direction": "output"}, {"Hash": "n-si-Value", "Direction": "input"}]
    document = operation([{**node("a"), "Ports": ports}, node("b")], ["start.Out>a.T"])
    document["Graph"]["Connections"] += [
        {"Hash": "1", "SourceNodeHash": "a", "SourcePortHash": "p1", "TargetNodeHash": "b", "TargetPortHash": "b-ei-Trigger"},
        {"Hash": "2", "SourceNodeHash": "a", "SourcePortHash": "a-so-Result", "TargetNodeHash": "b", "TargetPortHash": "b-si-Value"},
        {"Hash": "3", "SourceNodeHash": "a", "SourcePortHash": "x", "TargetNodeHash": "b", "TargetPortHash": "y", "ConnectionType": "State"},
    ]
    plan = plan_of(document)
    assert [edge.target for edge in plan.leads["a", "Complete"]] == ["b"]
    assert [(found.output, found.setting) for found in plan.wires["b"]] == [("Result", "Value"), ("x", "y")]


def test_a_giant_graph_is_walked_in_strides() -> None:
    count = 9_990
    nodes = [node(f"n{place}", "set-value", Value=place, ToAddress=f"Operation.v{place % 10}") for place in range(count)]
    edges = ["start.Out>n0.Execute", *(f"n{place}.Complete>n{place + 1}.Execute" for place in range(count - 1))]
    world = World(planned(nodes, edges))
    assert world.play().status == "Complete"
    assert world.run.steps == count + 1
    assert len(world.history) == count // 400 + 1


def test_the_same_happenings_give_the_same_run_and_the_same_effects() -> None:
    world = World(fan("any"), chance=random.Random(7))
    world.play()
    run, effects = Run("run-1"), []
    for happening, now in world.history:
        run, more = advance(world.plan, CATALOG, run, happening, now)
        effects += more
    assert effects == world.effects
    assert replace(run, nodes=run.nodes.settled()) == replace(world.run, nodes=run.nodes.settled())
    assert {hash: run.nodes[hash] for hash in run.nodes} == {hash: world.run.nodes[hash] for hash in world.run.nodes}
