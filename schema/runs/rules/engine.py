"""The engine: `advance(run, happening) -> (run', effects)`. Pure and deterministic: the same run and the same happening always give the same.

A stride takes signals from the run's queue until none is left or `STRIDE` executions are done; then it asks to go on, so that no graph,
however large, and no circle, however short, holds its worker. A node does one thing at a time: signals that come while it is busy wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from schema.runs.rules.execution import attempt, complete, conclude, execute, fail
from schema.runs.rules.graph import Plan
from schema.runs.rules.nodes import BUSY
from schema.runs.rules.run import (
    FINAL,
    Abandoned,
    Answered,
    Begin,
    Continue,
    Due,
    Effect,
    Ended,
    Finished,
    Forced,
    GoOn,
    Halted,
    Happening,
    Retried,
    Run,
    Withdraw,
)
from schema.runs.rules.stride import Stride, TooMuch
from schema.runs.rules.tasks import Catalog, Fail, Fire

#: Executions of one stride: some ten milliseconds of a worker.
STRIDE = 400

#: The kinds of history in which a run ends, waits and goes on.
COMPLETE, WAITS = "ExecutionComplete", "ExecutionWaiting"


def advance(plan: Plan, catalog: Catalog, run: Run, happening: Happening, now: datetime) -> tuple[Run, list[Effect]]:
    """The run after the happening, and what is to be done about it.

    A happening that does not fit (a report for an execution that is over, an answer that nobody waits for) changes nothing and orders nothing.
    """
    if run.status in FINAL and not isinstance(happening, Retried):
        return run, []
    stride = Stride(plan, catalog, run, now)
    try:
        if not _HANDLERS[type(happening)](stride, happening):
            return run, []
        _walk(stride)
    except TooMuch as reason:
        _halt(stride, str(reason), "Error", "engine")
    return _settled(stride)


def _walk(stride: Stride) -> None:
    for _ in range(STRIDE):
        if not stride.queue:
            return
        hash, input = stride.queue.popleft()
        execute(stride, hash, input)


def _settled(stride: Stride) -> tuple[Run, list[Effect]]:
    """The run's state after the stride: going on, at work, waiting for somebody, or over."""
    if any(isinstance(effect, Ended) for effect in stride.effects):
        ended = next(effect for effect in stride.effects if isinstance(effect, Ended))
        return replace(stride.result(ended.status), retried=False), stride.effects
    if stride.queue:
        stride.effects.append(GoOn())
    elif not stride.active and not stride.waiting:
        return _over(stride)
    waits = stride.waiting and not stride.active and not stride.queue
    status = "Waiting" if waits else "Retrying" if stride.run.retried else "In Progress"
    if status == "Waiting" and stride.run.status != "Waiting":
        stride.note(WAITS, "", {"Status": status})
    return stride.result(status), stride.effects


def _over(stride: Stride) -> tuple[Run, list[Effect]]:
    for key in sorted(stride.joins):
        node, _, input = key.partition("\n")
        missing = len(stride.plan.into[node, input]) - len(stride.joins[key])
        stride.errors += 1
        told = {"Status": "Error", "Message": f"The join at {input} never got {missing} of its signals.", "Handled": False}
        stride.note("TaskError", node, told)
    stride.joins = {}
    _end(stride, "Failed" if stride.errors else "Complete", "")
    return replace(stride.result("Failed" if stride.errors else "Complete"), retried=False), stride.effects


def _end(stride: Stride, status: str, reason: str) -> None:
    told: dict[str, Any] = {"Status": status, "ErrorCount": stride.errors}
    stride.note(COMPLETE, "", told | {"Reason": reason} if reason else told)
    stride.effects.append(Ended(status))


def _halt(stride: Stride, reason: str, status: str, by: str) -> bool:
    """End the run at once: what it has under way is withdrawn, what waits in it is dropped."""
    for hash in list(stride.nodes):
        state = stride.nodes[hash]
        if state.status in BUSY or state.backlog:
            canceled = "Canceled" if state.status in BUSY else state.status
            stride.put(hash, state._replace(status=canceled, waiting=None, settings=None, due_at=None, backlog=(), ended_at=stride.now))
    stride.queue.clear()
    stride.joins = {}
    stride.errors += status == "Error"
    if status == "Error":
        stride.note("TaskError", "", {"Status": "Error", "Message": reason, "Handled": False})
    stride.effects.append(Withdraw("", 0, ""))
    _end(stride, status, f"{reason} ({by})" if reason else by)
    return True


def _begin(stride: Stride, happening: Begin) -> bool:
    stride.note("ExecutionStart", "", {"Status": "In Progress", "OperationHash": stride.plan.operation})
    if happening.node:
        return _again(stride, happening.node, happening.overrides)
    starts = stride.plan.starts
    if not starts:
        return _halt(stride, "The graph has no start node.", "Error", "engine")
    for hash in starts:
        stride.enqueue(hash, "")
    return True


def _again(stride: Stride, hash: str, overrides: Any) -> bool:
    """Begin a node with the event by which it began last, else by the first that leads to it."""
    if hash not in stride.plan.nodes:
        return _halt(stride, f"There is no node {hash}.", "Error", "engine")
    state = stride.nodes[hash]
    stride.put(hash, state._replace(status="Idle", overrides=overrides or state.overrides, memory=None))
    inputs = [input for node, input in stride.plan.into if node == hash]
    stride.enqueue(hash, state.trigger or (inputs[0] if inputs else ""))
    return True


def _finished(stride: Stride, happening: Finished) -> bool:
    state = stride.nodes[happening.node]
    if happening.node not in stride.plan.nodes or state.status not in ("Working", "Executing", "Launched"):
        return False
    if (state.execution, state.attempt) != (happening.execution, happening.attempt):
        return False
    if happening.error is None:
        conclude(stride, happening.node, happening.outputs, happening.event, happening.log)
    else:
        fail(stride, happening.node, Fail(happening.error, happening.outputs, happening.again))
    return True


def _answered(stride: Stride, happening: Answered) -> bool:
    state = stride.nodes[happening.node]
    if state.status != "Waiting" or state.waiting is None:
        return False
    stride.note("TaskAnswered", happening.node, {"By": happening.by})
    address = str(state.waiting["OutputAddress"])
    writes = ((address, happening.value),) if address else ()
    complete(stride, happening.node, Fire(str(state.waiting["ResumeEventName"]), {"InputValue": happening.value}, writes))
    return True


def _withdraw(stride: Stride, hash: str) -> None:
    state = stride.nodes[hash]
    if state.status in ("Working", "Executing", "Launched"):
        stride.effects.append(Withdraw(hash, state.execution, state.status))


def _forced(stride: Stride, happening: Forced) -> bool:
    if stride.nodes[happening.node].status not in BUSY:
        return False
    _withdraw(stride, happening.node)
    fail(stride, happening.node, Fail(f"Forced by {happening.by}: {happening.reason or 'no reason given'}"), again=False)
    return True


def _due(stride: Stride, happening: Due) -> bool:
    moved = False
    for hash in happening.nodes:
        state = stride.nodes[hash]
        if state.status not in BUSY or state.due_at is None or state.due_at > stride.now:
            continue
        moved = True
        if state.status == "Paused":
            attempt(stride, hash)
        elif state.status == "Waiting":
            _expire(stride, hash)
        else:
            _withdraw(stride, hash)
            fail(stride, hash, Fail("The time of the task is over.", again=state.status != "Working"))
    return moved


def _expire(stride: Stride, hash: str) -> None:
    """Nobody has said anything in time: the task's own event for that, or a failure where no edge takes it."""
    waiting = stride.nodes[hash].waiting or {}
    event = str(waiting.get("ExpiresEventName") or "")
    if event and stride.plan.leads.get((hash, event)):
        complete(stride, hash, Fire(event, log=("Nobody answered in time.",)))
    else:
        fail(stride, hash, Fail("Nobody answered in time."))


def _retried(stride: Stride, happening: Retried) -> bool:
    if stride.run.status not in FINAL or not happening.nodes:
        return False
    stride.run = replace(stride.run, retried=True)
    stride.errors = 0
    stride.note("ExecutionRetry", "", {"By": happening.by, "Nodes": list(happening.nodes)})
    for hash in happening.nodes:
        _again(stride, hash, happening.overrides)
    return True


_HANDLERS: dict[type, Callable[[Stride, Any], bool]] = {
    Begin: _begin,
    Continue: lambda stride, _: bool(stride.queue),
    Finished: _finished,
    Answered: _answered,
    Forced: _forced,
    Abandoned: lambda stride, happening: _halt(stride, happening.reason, "Abandoned", happening.by),
    Halted: lambda stride, happening: _halt(stride, happening.reason, "Error", "engine"),
    Due: _due,
    Retried: _retried,
}
