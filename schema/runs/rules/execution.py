"""One execution of a node: its settings, its answer, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schema.runs.rules.address import BadAddress
from schema.runs.rules.graph import END, START, Node
from schema.runs.rules.nodes import BUSY, NodeState, pause_ms
from schema.runs.rules.run import Execute, Start, Work, timestamp
from schema.runs.rules.stride import MOST_BACKLOG, Stride, TooMuch, bounded
from schema.runs.rules.tasks import Answer, Ask, Call, Dispatch, Fail, Fire, Launch, Perform, TaskType
from schema.runs.rules.templates import TemplateTooLarge, filled


def execute(stride: Stride, hash: str, input: str) -> None:
    """Begin the node, or let the signal wait where the node is busy."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    if state.status in BUSY:
        if len(state.backlog) >= MOST_BACKLOG:
            raise TooMuch(f"more than {MOST_BACKLOG} signals wait at {hash}")
        stride.put(hash, replace(state, backlog=(*state.backlog, input)))
        return
    stride.steps += 1
    if stride.steps > stride.plan.most_steps:
        raise TooMuch(f"more than {stride.plan.most_steps} executions; does the graph turn in a circle?")
    begun = replace(
        state, status="Idle", execution=state.execution + 1, attempt=0, trigger=input, started_at=stride.now, ended_at=None, error="", settings=None
    )
    stride.put(hash, begun)
    if node.type in (START, END):
        _pass(stride, node, begun)
        return
    stride.note("TaskStart", hash, {"DefinitionHash": node.type, "TaskTypeName": node.title, "Status": "Running", "TriggerEvent": input})
    attempt(stride, hash)


def _pass(stride: Stride, node: Node, state: NodeState) -> None:
    """Where a run begins and ends, nothing is done."""
    stride.put(node.hash, replace(state, status="Complete", ended_at=stride.now))
    stride.note("TaskComplete", node.hash, {"Status": "Complete", "ElapsedMs": 0, "EventFired": "", "TriggerEvent": state.trigger})
    if node.type == START:
        for edge in stride.plan.out.get(node.hash, ()):
            stride.arrive(edge)


def attempt(stride: Stride, hash: str) -> None:
    """One try at the present execution."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    state = replace(state, status="Idle", attempt=state.attempt + 1, due_at=None)
    stride.put(hash, state)
    type = stride.catalog.get(node.type)
    if type is None:
        fail(stride, hash, Fail(f"There is no task type {node.type or '(none)'}."))
        return
    try:
        settings = settings_of(stride, node, state, type)
        call = Call(state.trigger, stride.scope(node), state.execution, state.attempt, f"{stride.run.hash}/{hash}/{state.execution}", state.memory)
        answer = type.answer(settings, call)
    except (BadAddress, TemplateTooLarge, ValueError) as error:
        answer = Fail(str(error)[:2_000])
    take(stride, hash, answer)


def settings_of(stride: Stride, node: Node, state: NodeState, type: TaskType) -> dict[str, Any]:
    """Defaults of the type, then the node's settings, then those of a retry, then what comes through connections; texts are filled at last."""
    settings = {**type.defaults, **node.settings, **(state.overrides or {})}
    scope = stride.scope(node)
    for wire in stride.plan.wires.get(node.hash, ()):
        value = (stride.outputs_of(wire.source) or {}).get(wire.output)
        settings[wire.setting] = filled(wire.template, replace(scope, more={"Value": value})) if wire.template else value
    wired = {wire.setting for wire in stride.plan.wires.get(node.hash, ())}
    # What came through a connection is a value: a text with tags in it, read from a file perhaps, must not be obeyed.
    return {
        name: filled(value, scope) if isinstance(value, str) and name not in wired and name not in type.raw else value
        for name, value in settings.items()
    }


def take(stride: Stride, hash: str, answer: Answer) -> None:
    """What a try has answered."""
    if isinstance(answer, Fire):
        complete(stride, hash, answer)
    elif isinstance(answer, Fail):
        fail(stride, hash, answer)
    elif isinstance(answer, Ask):
        _ask(stride, hash, answer)
    else:
        _order(stride, hash, answer)


def _ask(stride: Stride, hash: str, ask: Ask) -> None:
    waiting = {
        **ask.details,
        "PromptMessage": ask.prompt,
        "OutputAddress": ask.address,
        "ResumeEventName": ask.event,
        "ExpiresEventName": ask.expires,
        "Timestamp": timestamp(stride.now),
    }
    state = replace(stride.nodes[hash], status="Waiting", waiting=waiting, due_at=stride.after(ask.timeout_ms))
    stride.put(hash, state)
    stride.note("TaskWaiting", hash, {"Status": "Waiting", "PromptMessage": ask.prompt})


def _order(stride: Stride, hash: str, wish: Dispatch | Perform | Launch) -> None:
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    execution, attempt = state.execution, state.attempt
    limit = node.policy.timeout_ms
    if isinstance(wish, Dispatch):
        stride.put(hash, replace(state, status="Working", settings={"Destination": wish.destination}, due_at=stride.after(limit)))
        stride.effects.append(Work(hash, execution, attempt, wish))
    elif isinstance(wish, Perform):
        limit = limit or wish.timeout_ms
        stride.put(hash, replace(state, status="Executing", settings=wish.settings, due_at=stride.after(limit)))
        stride.effects.append(Execute(hash, execution, attempt, limit))
    else:
        stride.put(hash, replace(state, status="Launched", settings={}, due_at=stride.after(limit or wish.timeout_ms)))
        stride.effects.append(Start(hash, execution, attempt, wish))


def complete(stride: Stride, hash: str, fire: Fire) -> None:
    """The node is done: its outputs and writes count, its event leaves it."""
    state = stride.nodes[hash]
    try:
        for address, value in fire.writes:
            stride.write(address, value)
    except BadAddress as error:
        fail(stride, hash, Fail(str(error)))
        return
    outputs = {**state.outputs, **fire.outputs}
    _rest(stride, hash, replace(state, status="Complete", outputs=outputs, memory=fire.memory))
    told = {"Status": "Complete", "ElapsedMs": elapsed(stride, state), "EventFired": fire.event, "TriggerEvent": state.trigger}
    told |= {"Log": bounded(fire.log)} if fire.log else {}
    if stride.run.mode == "debug":
        told |= {"Outputs": dict(fire.outputs), "OperationState": dict(stride.places["Operation"])}
    stride.note("TaskComplete", hash, told)
    stride.fire(hash, fire.event)


def fail(stride: Stride, hash: str, why: Fail, *, again: bool = True, event: str = "") -> None:
    """The node has failed: it is tried again if its policy says so, else its error leaves it, and counts if no edge takes it."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    if again and why.again and state.attempt < node.policy.max_attempts:
        pause = pause_ms(node.policy, state.attempt)
        stride.put(hash, replace(state, status="Paused", error=why.message, due_at=stride.after(max(pause, 1))))
        told = {"Status": "Retrying", "Message": why.message, "Attempt": state.attempt, "PauseMs": pause}
        stride.note("TaskRetry", hash, told)
        return
    type = stride.catalog.get(node.type)
    event = event or (type.error_event if type is not None else "Error")
    handled = bool(stride.plan.leads.get((hash, event)))
    stride.errors += not handled
    outputs = {**state.outputs, **why.outputs}
    _rest(stride, hash, replace(state, status="Error", outputs=outputs, error=why.message, memory=None))
    told = {
        "Status": "Error",
        "Message": why.message,
        "Handled": handled,
        "ElapsedMs": elapsed(stride, state),
        "EventFired": event if handled else "",
    }
    stride.note("TaskError", hash, told | {"TriggerEvent": state.trigger})
    stride.fire(hash, event)


def _rest(stride: Stride, hash: str, state: NodeState) -> None:
    """The execution is over; the next signal that has waited gets its turn."""
    backlog = state.backlog
    if backlog:
        stride.queue.append((hash, backlog[0]))
    stride.put(hash, replace(state, waiting=None, settings=None, due_at=None, ended_at=stride.now, backlog=backlog[1:]))


def elapsed(stride: Stride, state: NodeState) -> int:
    """Milliseconds since the execution began."""
    return 0 if state.started_at is None else max(0, round((stride.now - state.started_at).total_seconds() * 1000))


def conclude(stride: Stride, hash: str, outputs: Mapping[str, Any], event: str, log: tuple[str, ...]) -> None:
    """Somebody who was asked has done it; the type says what that means."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    type = stride.catalog.get(node.type)
    if type is None:
        fail(stride, hash, Fail(f"There is no task type {node.type}.", outputs))
        return
    made = type.conclude(state.settings or {}, outputs, event)
    if isinstance(made, Fire):
        complete(stride, hash, replace(made, log=(*made.log, *log)))
    else:
        fail(stride, hash, made)
