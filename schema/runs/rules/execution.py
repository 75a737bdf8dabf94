"""One execution of a node: its settings, its answer, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schema.runs.rules.address import BadAddress
from schema.runs.rules.graph import END, START, Node
from schema.runs.rules.nodes import BUSY, NodeState, pause_ms
from schema.runs.rules.run import Execute, Start, Work, timestamp
from schema.runs.rules.storing import said, trouble_with
from schema.runs.rules.stride import MOST_BACKLOG, Stride, TooMuch, bounded
from schema.runs.rules.tasks import Answer, Ask, Call, Dispatch, Fail, Fire, Launch, Perform, TaskType
from schema.runs.rules.templates import TemplateTooLarge, filled


def execute(stride: Stride, hash: str, input: str) -> None:
    """Begin the node, or let the signal wait where the node is busy."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    if state.status in BUSY:
        if len(state.backlog) >= MOST_BACKLOG:
            raise TooMuch(f"more than {MOST_BACKLOG} signals wait at {hash}")
        stride.put(hash, state._replace(backlog=(*state.backlog, input)))
        return
    stride.steps += 1
    if stride.steps > stride.plan.most_steps:
        raise TooMuch(f"more than {stride.plan.most_steps} executions; does the graph turn in a circle?")
    begun = state._replace(
        status="Idle", execution=state.execution + 1, attempt=0, trigger=input, started_at=stride.now, ended_at=None, error="", settings=None
    )
    stride.put(hash, begun)
    if node.type in (START, END):
        _pass(stride, node, begun)
        return
    stride.note("TaskStart", hash, {"DefinitionHash": node.type, "TaskTypeName": node.title, "Status": "Running", "TriggerEvent": input})
    attempt(stride, hash)


def _pass(stride: Stride, node: Node, state: NodeState) -> None:
    """Where a run begins and ends, nothing is done."""
    stride.put(node.hash, state._replace(status="Complete", ended_at=stride.now))
    stride.note("TaskComplete", node.hash, {"Status": "Complete", "ElapsedMs": 0, "EventFired": "", "TriggerEvent": state.trigger})
    if node.type == START:
        for edge in stride.plan.out.get(node.hash, ()):
            stride.arrive(edge)


def attempt(stride: Stride, hash: str) -> None:
    """One try at the present execution."""
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    state = state._replace(status="Idle", attempt=state.attempt + 1, due_at=None)
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
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one type must fail its node, and never stop a lane or lose a run
        answer = Fail(_mistake(node, error))
    take(stride, hash, kept(node, answer))


def kept(node: Node, answer: Answer) -> Answer:
    """The answer, or a failure in its place when there is something in it that cannot be stored."""
    trouble = trouble_with(answer)
    return Fail(_unkept(node, trouble)) if trouble else answer


def _unkept(node: Node, trouble: str) -> str:
    return f"What {node.type} brings cannot be stored: {trouble}."


def _mistake(node: Node, error: Exception) -> str:
    return f"{node.type} cannot work with its settings: {error!r}"[:2_000]


def settings_of(stride: Stride, node: Node, state: NodeState, type: TaskType) -> dict[str, Any]:
    """Defaults of the type, then the node's settings, then those of a retry, then what comes through connections; texts are filled at last."""
    settings, texts = _own(stride, node, state, type)
    if not texts and node.hash not in stride.plan.wires:
        return settings
    scope, wired = stride.scope(node), set()
    for wire in stride.plan.wires.get(node.hash, ()):
        value = (stride.outputs_of(wire.source) or {}).get(wire.output)
        settings[wire.setting] = filled(wire.template, replace(scope, more={"Value": value})) if wire.template else value
        wired.add(wire.setting)
    # What came through a connection is a value: a text with tags in it, read from a file perhaps, must not be obeyed.
    for name in texts:
        if name not in wired:
            settings[name] = filled(settings[name], scope)
    return settings


def _own(stride: Stride, node: Node, state: NodeState, type: TaskType) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy of the settings that the node brings itself, and the names of those that are templates: the same for each run of a plan."""
    known = stride.plan.prepared.get(node.hash)
    if known is None or known[0] is not type or state.overrides:
        given = {**type.defaults, **node.settings, **(state.overrides or {})}
        raw = type.raw
        known = (type, given, tuple(name for name, value in given.items() if isinstance(value, str) and "{~" in value and name not in raw))
        if not state.overrides:
            stride.plan.prepared[node.hash] = known
    return dict(known[1]), known[2]


def take(stride: Stride, hash: str, answer: Answer) -> None:
    """What a try has answered."""
    if isinstance(answer, Fire):
        complete(stride, hash, answer)
    elif isinstance(answer, Fail):
        fail(stride, hash, replace(answer, message=said(answer.message)))
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
    state = stride.nodes[hash]._replace(status="Waiting", waiting=waiting, due_at=stride.after(ask.timeout_ms))
    stride.put(hash, state)
    stride.note("TaskWaiting", hash, {"Status": "Waiting", "PromptMessage": ask.prompt})


def _order(stride: Stride, hash: str, wish: Dispatch | Perform | Launch) -> None:
    node, state = stride.plan.nodes[hash], stride.nodes[hash]
    execution, attempt = state.execution, state.attempt
    limit = node.policy.timeout_ms
    if isinstance(wish, Dispatch):
        stride.put(hash, state._replace(status="Working", settings={"Destination": wish.destination, **wish.kept}, due_at=stride.after(limit)))
        stride.effects.append(Work(hash, execution, attempt, wish))
    elif isinstance(wish, Perform):
        limit = limit or wish.timeout_ms
        stride.put(hash, state._replace(status="Executing", settings=wish.settings, due_at=stride.after(limit)))
        stride.effects.append(Execute(hash, execution, attempt, limit))
    else:
        stride.put(hash, state._replace(status="Launched", settings={}, due_at=stride.after(limit or wish.timeout_ms)))
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
    _rest(stride, hash, state._replace(status="Complete", outputs=outputs, memory=fire.memory))
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
        stride.put(hash, state._replace(status="Paused", error=why.message, due_at=stride.after(max(pause, 1))))
        told = {"Status": "Retrying", "Message": why.message, "Attempt": state.attempt, "PauseMs": pause}
        stride.note("TaskRetry", hash, told)
        return
    type = stride.catalog.get(node.type)
    event = event or (type.error_event if type is not None else "Error")
    handled = bool(stride.plan.leads.get((hash, event)))
    stride.errors += not handled
    outputs = {**state.outputs, **why.outputs}
    _rest(stride, hash, state._replace(status="Error", outputs=outputs, error=why.message, memory=None))
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
    stride.put(hash, state._replace(waiting=None, settings=None, due_at=None, ended_at=stride.now, backlog=backlog[1:]))


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
    try:
        made = type.conclude(state.settings or {}, outputs, event)
    except Exception as error:  # noqa: BLE001 - as above: what beacons bring is anybody's guess
        made = Fail(_mistake(node, error), outputs)
    trouble = trouble_with(made)
    if trouble:
        made = Fail(_unkept(node, trouble))
    if isinstance(made, Fire):
        complete(stride, hash, replace(made, log=(*made.log, *log)))
    elif isinstance(made, Fail):
        fail(stride, hash, replace(made, message=said(made.message)))
