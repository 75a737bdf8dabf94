"""The life of runs, on every engine."""

from __future__ import annotations

from typing import Any

from schema.hub.commands import CancelWork
from schema.runs.commands import AbandonStale, ForceError, ForkRun, NodeFinished, StartBatch, StartOperation
from tests.schema.runs.graphs import node, operation
from tests.tasks.runs.conftest import House

LINE = operation([node("a"), node("b"), node("end", "end")], ["start.Out>a.T", "a.Complete>b.T", "b.Complete>end.In"])
SUM = operation(
    [node("x", "set-value", Value=20, ToAddress="Operation.x"), node("y", "expression-solver", Expression="x * 2 + n", Destination="Output.sum")],
    ["start.Out>x.Execute", "x.Complete>y.In"],
    InitialOperationState={"n": 1, "m": 2},
)
LAB = [{"Capability": "Lab", "Action": action, "Description": "", "SettingsSchema": []} for action in ("Do", "Other")]


def lab(house: House, slots: int = 9) -> str:
    return house.register("lab", slots, ("Lab", "Shell"), action_schemas=LAB)


def test_a_graph_of_pure_tasks_ends_in_the_unit_that_starts_it(house: House) -> None:
    house.save(SUM)
    (told,) = house.done(StartOperation(hub="h", run_hash="run-1", operation_hash="op", parameters={"n": 2}))
    assert told["Status"] == "Complete"
    assert house.run("run-1").revision == 1
    assert "42" in str(house.run("run-1").state)
    assert house.kinds("run-1")[0] == "ExecutionStart"
    assert house.kinds("run-1")[-1] == "ExecutionComplete"


def test_work_goes_to_a_beacon_and_its_result_comes_back(house: House) -> None:
    beacon = lab(house)
    run = house.started(LINE)
    (first,) = house.inbox(beacon)
    assert (first["Capability"], first["Action"], first["RunID"]) == ("Lab", "Do", run)
    house.done(house.complete(first["WorkItemHash"], beacon, 1, Result="one"))
    assert (house.status(run), house.node(run, "a").status) == ("In Progress", "Complete")
    (second,) = house.inbox(beacon)
    house.done(house.complete(second["WorkItemHash"], beacon, 1))
    assert house.status(run) == "Complete"
    assert house.rows("SELECT state FROM hub_run WHERE run_id = :run", run=run)[0].state == "Ended"


def test_many_completions_in_one_batch_are_all_taken(house: House) -> None:
    beacon = lab(house, slots=100)
    house.save(LINE)
    runs = [house.start() for _ in range(20)]
    assert len(set(runs)) == 20
    for _ in range(2):
        offers = house.inbox(beacon)
        assert len(offers) == 20
        house.done(*[house.complete(offer["WorkItemHash"], beacon, 1) for offer in offers])
    assert {house.status(run) for run in runs} == {"Complete"}


def test_a_failed_item_fails_its_run_and_no_other(house: House) -> None:
    beacon = lab(house)
    house.save(LINE)
    bad, good = house.start(), house.start()
    offers = {offer["RunID"]: offer for offer in house.inbox(beacon)}
    house.done(house.fail(offers[bad]["WorkItemHash"], beacon, 1, "broken"), house.complete(offers[good]["WorkItemHash"], beacon, 1))
    (offer,) = house.inbox(beacon)
    house.done(house.complete(offer["WorkItemHash"], beacon, 1))
    assert (house.status(bad), house.status(good)) == ("Failed", "Complete")
    assert house.errors(bad) == ["broken"]


def test_a_card_of_a_beacon_that_nobody_knows_fails_with_a_clear_word(house: House) -> None:
    run = house.started(LINE)
    assert (house.status(run), house.errors(run)) == ("Failed", ["There is no task type beacon-lab-do."])


def test_canceling_an_item_fails_its_node(house: House) -> None:
    lab(house, slots=1)
    house.save(LINE)
    house.start()
    run = house.start()
    (row,) = house.rows("SELECT work_item_hash FROM hub_work_item WHERE run_id = :run", run=run)
    house.done(CancelWork(hub="h", work_item_hash=row.work_item_hash, reason="not now"))
    assert (house.status(run), house.errors(run)) == ("Failed", ["The work item was canceled: not now"])


def test_an_abandoned_run_takes_its_items_with_it(house: House) -> None:
    lab(house, slots=1)
    house.save(LINE)
    first, second = house.start(), house.start()
    house.done(house.abandon(second), house.abandon(first))
    found = {row.run_id: row for row in house.rows("SELECT run_id, status, cancel_requested FROM hub_work_item")}
    assert (found[second].status, bool(found[first].cancel_requested)) == ("Canceled", True)
    assert house.refused(house.abandon(first)) == "already_final"
    assert (house.status(first), house.node(first, "a").status) == ("Abandoned", "Canceled")


def test_stale_runs_are_abandoned_and_others_are_not(house: House) -> None:
    lab(house)
    old = house.started(LINE)
    house.pass_time(3_600)
    new = house.start()
    assert house.done(AbandonStale(hub="h", older_ms=1_800_000)) == [{"AbandonedCount": 1}]
    assert (house.status(old), house.status(new)) == ("Abandoned", "In Progress")


def test_a_retry_begins_what_failed_with_other_settings(house: House) -> None:
    beacon = lab(house)
    run = house.started(LINE)
    house.done(house.complete(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1, Result=7))
    house.done(house.fail(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1))
    assert house.status(run) == "Failed"
    (told,) = house.done(house.retry(run, DurationMs=5))
    assert (told["Status"], told["WaitingTasks"]) == ("Retrying", ["b"])
    (offer,) = house.inbox(beacon)
    assert offer["Settings"]["DurationMs"] == 5
    house.done(house.complete(offer["WorkItemHash"], beacon, 1))
    assert house.status(run) == "Complete"
    assert house.refused(house.retry(run)) == "conflict"
    assert house.refused(house.retry(run, "nobody")) == "not_found"


def test_a_fork_begins_at_a_node_with_what_came_before(house: House) -> None:
    beacon = lab(house)
    run = house.started(LINE)
    house.done(house.complete(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1, Result=7))
    house.done(house.complete(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1))
    fork = ForkRun(hub="h", run_hash=run, new_hash="run-fork", node_hash="b")
    house.done(fork, fork)
    assert "7" in str(house.node("run-fork", "a").outputs)
    (offer,) = house.inbox(beacon)
    assert offer["RunID"] == "run-fork"
    house.done(house.complete(offer["WorkItemHash"], beacon, 1))
    assert (house.status("run-fork"), house.status(run)) == ("Complete", "Complete")


def test_a_run_waits_for_an_answer_for_as_long_as_it_takes(house: House) -> None:
    ask = operation([node("ask", "value-input", OutputAddress="Operation.who", PromptMessage="Who?")], ["start.Out>ask.RequestInput"])
    run = house.started(ask)
    assert house.status(run) == "Waiting"
    house.pass_time(86_400)
    assert house.refused(house.answer(run, "start", 1)) == "conflict"
    house.done(house.answer(run, "ask", {"name": "Ada"}))
    assert house.status(run) == "Complete"
    assert house.refused(house.answer(run, "ask", 2)) == "conflict"
    (row,) = house.rows("SELECT actor, command FROM ledger_audit")
    assert tuple(row) == ("anonymous:", "runs.answer")


def test_a_question_expires(house: House) -> None:
    ask = operation([node("ask", "value-input", OutputAddress="Operation.who", TimeoutMs=5_000)], ["start.Out>ask.RequestInput"])
    run = house.started(ask)
    house.pass_time(4)
    assert house.status(run) == "Waiting"
    house.pass_time(2)
    assert (house.status(run), house.errors(run)) == ("Failed", ["Nobody answered in time."])


def test_a_busy_node_is_forced_to_fail_and_its_work_is_taken_back(house: House) -> None:
    lab(house)
    run = house.started(LINE)
    house.done(ForceError(hub="h", run_hash=run, node_hash="a", reason="stuck"))
    assert (house.status(run), house.errors(run)) == ("Failed", ["Forced by anonymous:: stuck"])
    assert house.rows("SELECT cancel_requested FROM hub_work_item")[0].cancel_requested
    assert house.refused(ForceError(hub="h", run_hash=run, node_hash="a")) == "conflict"


def test_an_operation_launches_another_and_goes_on_with_its_output(house: House) -> None:
    house.save(SUM)
    outer = operation(
        [node("sub", "launch-operation", OperationHash="op", InputData='{"n": 5}'), node("take", "set-value", ToAddress="Output.got")],
        ["start.Out>sub.Launch", "sub.Completed>take.Execute"],
    )
    outer["Hash"] = "outer"
    outer["Graph"]["Nodes"][2]["Data"]["Value"] = "{~D:TaskOutput.sub.Result.sum~}"
    run = house.started(outer)
    assert house.status(run) == "Complete"
    assert "45" in str(house.run(run).state)
    (child,) = house.rows("SELECT * FROM runs_run WHERE parent_run = :run", run=run)
    assert (child.status, child.depth, house.node(run, "sub").child_run) == ("Complete", 1, child.run_hash)


def test_an_operation_that_launches_itself_ends_in_a_clear_error(house: House) -> None:
    again = operation([node("sub", "launch-operation", OperationHash="op")], ["start.Out>sub.Launch"])
    run = house.started(again)
    assert house.status(run) == "Failed"
    assert house.rows("SELECT max(depth) AS n FROM runs_run")[0].n == 16
    assert any("does one launch itself" in str(row.error) for row in house.rows("SELECT error FROM runs_node"))


def test_an_abandoned_run_takes_the_runs_with_it_that_it_launched(house: House) -> None:
    lab(house)
    house.save(LINE)
    outer = operation([node("sub", "launch-operation", OperationHash="op")], ["start.Out>sub.Launch"]) | {"Hash": "outer"}
    run = house.started(outer)
    (child,) = house.rows("SELECT run_hash FROM runs_run WHERE parent_run = :run", run=run)
    house.done(house.abandon(run))
    assert (house.status(run), house.status(child.run_hash)) == ("Abandoned", "Abandoned")


def test_an_unknown_operation_is_refused_and_a_launched_one_fails_its_node(house: House) -> None:
    assert house.refused(StartOperation(hub="h", run_hash="r", operation_hash="nobody", parameters={})) == "not_found"
    run = house.started(operation([node("sub", "launch-operation", OperationHash="nobody")], ["start.Out>sub.Launch"]))
    assert (house.status(run), house.errors(run)) == ("Failed", ["There is no operation nobody."])


def test_a_run_keeps_the_revision_with_which_it_began(house: House) -> None:
    beacon = lab(house)
    run = house.started(LINE)
    house.save(operation([node("other")], ["start.Out>other.T"]))
    house.done(house.complete(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1))
    house.done(house.complete(house.inbox(beacon)[0]["WorkItemHash"], beacon, 1))
    assert (house.status(run), house.run(run).revision) == ("Complete", 1)
    assert house.run(house.start()).revision == 2


def test_the_same_run_is_started_once(house: House) -> None:
    house.save(SUM)
    command = StartOperation(hub="h", run_hash="run-same", operation_hash="op", parameters={})
    first, second = house.done(command, command)
    assert first == second
    assert len(house.rows("SELECT run_hash FROM runs_run")) == 1


def test_a_batch_starts_what_it_can_and_tells_the_rest(house: House) -> None:
    house.save(SUM)
    items: list[dict[str, Any]] = [
        {"index": place, "run_hash": f"run-{place}", "operation_hash": hash, "mode": "standard", "parameters": {"n": place}}
        for place, hash in enumerate(["op", "nobody", "op"])
    ]
    (told,) = house.done(StartBatch(hub="h", items=items))
    assert [row["RunHash"] for row in told["Runs"]] == ["run-0", "run-2"]
    assert [row["Index"] for row in told["Errors"]] == [1]
    assert {row.status for row in house.rows("SELECT status FROM runs_run")} == {"Complete"}


def test_a_report_that_nobody_waits_for_changes_nothing(house: House) -> None:
    beacon = lab(house)
    run = house.started(LINE)
    late = NodeFinished(hub="h", run_hash=run, node_hash="a", execution=9, attempt=1, outputs={}, log=[])
    assert house.refused(late) == "superseded"
    assert house.refused(NodeFinished(hub="h", run_hash="none", node_hash="a", execution=1, attempt=1, outputs={}, log=[])) == "not_found"
    (offer,) = house.inbox(beacon)
    house.done(*[house.complete(offer["WorkItemHash"], beacon, 1)] * 3)
    assert house.node(run, "a").execution == 1


def test_a_giant_graph_is_walked_in_many_units(lite: House) -> None:
    nodes = [node(f"n{place}", "set-value", Value=place, ToAddress="Operation.n") for place in range(3_000)]
    edges = ["start.Out>n0.Execute", *(f"n{place}.Complete>n{place + 1}.Execute" for place in range(2_999))]
    run = lite.started(operation(nodes, edges))
    assert (lite.status(run), lite.run(run).steps) == ("Complete", 3_001)


def test_a_state_that_grows_without_end_ends_in_a_clear_error(lite: House) -> None:
    nodes = [
        node("a", "string-appender", InputString="x" * 100_000, OutputAddress="Operation.t"),
        node("b", "set-value", Value="{~D:Operation.t~}", ToAddress="Operation.copy"),
    ]
    run = lite.started(operation(nodes, ["start.Out>a.Append", "a.Completed>b.Execute", "b.Complete>a.Append"]))
    assert lite.status(run) in ("Error", "Failed")
    assert any("state of the run" in error or "longer than" in error for error in lite.errors(run))
