"""Flow control: where a run begins and ends, where it turns, and what it does again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from schema.runs.expressions import solved
from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call, Fail, Fire, Launch
from schema.runs.rules.templates import shown
from schema.runs.types.base import Settings, Task, anything, brought, done, flag, number, text

#: Rounds of one loop.
MOST_ROUNDS = 100_000


class Start(Task):
    """Where a run begins; all that leads from it is fired."""

    name, title, category = "start", "Start", "Flow Control"
    begins, event_out, error_event = (), "Out", ""

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return Fire(self.event_out)


class End(Task):
    """Where a branch of a run ends. The run is over when no branch is left."""

    name, title, category = "end", "End", "Flow Control"
    begins, event_out, error_event = ("In",), "", ""

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return Fire("")

    def record(self) -> dict[str, Any]:
        return super().record() | {"EventOutputs": []}


class _If(Settings):
    DataAddress = text("The address of the value that is judged; without one, Expression is.")
    CompareValue = anything("What it is compared with.", "")
    Operator = text("How: ==, ===, !=, !==, >, <, >=, <=, contains, startsWith, endsWith, truthy, falsy.", default="==")
    Expression = text("An expression that is judged in place of an address.")


class IfConditional(Task):
    """Takes the event True or False, as a value compares with another or an expression says."""

    name, title, category = "if-conditional", "If", "Flow Control"
    begins, event_out, more_events = ("Evaluate",), "True", ("False",)
    brings = brought(Result="Boolean")
    form = _If

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if given["Expression"]:
            result = bool(solved(given["Expression"], call.scope))
        else:
            value = look_up(given["DataAddress"], call.scope) if given["DataAddress"] else None
            result = compared(value, given["Operator"].strip(), given["CompareValue"])
        return Fire("True" if result else "False", {"Result": result})


def compared(value: Any, operator: str, other: Any) -> bool:
    """How two values compare. Numbers in texts count as numbers, but for `===`. Raises ValueError for an unknown operator."""
    if operator not in _OPERATORS:
        raise ValueError(f"there is no operator {operator[:20]}")
    return _OPERATORS[operator](value, other)


def _loose(value: Any, other: Any) -> bool:
    left, right = _number(value), _number(other)
    return left == right if left is not None and right is not None else shown(value) == shown(other)


def _ordered(sign: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def judge(value: Any, other: Any) -> bool:
        left, right = _number(value), _number(other)
        return sign(left, right) if left is not None and right is not None else sign(shown(value), shown(other))

    return judge


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _contains(value: Any, other: Any) -> bool:
    return any(_loose(item, other) for item in value) if isinstance(value, list) else shown(other) in shown(value)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": _loose,
    "!=": lambda value, other: not _loose(value, other),
    "===": lambda value, other: type(value) is type(other) and value == other,
    "!==": lambda value, other: type(value) is not type(other) or value != other,
    ">": _ordered(lambda a, b: a > b),
    "<": _ordered(lambda a, b: a < b),
    ">=": _ordered(lambda a, b: a >= b),
    "<=": _ordered(lambda a, b: a <= b),
    "contains": _contains,
    "startsWith": lambda value, other: shown(value).startswith(shown(other)),
    "endsWith": lambda value, other: shown(value).endswith(shown(other)),
    "truthy": lambda value, _: bool(value) and value not in ("false", "0"),
    "falsy": lambda value, _: not value or value in ("false", "0"),
}


class _Split(Settings):
    InputString = text("The text that is split.", required=True)
    SplitDelimiter = text("What parts it.", required=True)
    SkipEmpty = flag("Leave empty parts out.")
    TrimTokens = flag("Cut white space from both ends of each part.")


class SplitExecute(Task):
    """Splits a text and sends its parts on one by one: the next when StepComplete says that the one before is done."""

    name, title, category = "split-execute", "Split and execute", "Flow Control"
    begins, event_out, more_events = ("PerformSplit", "StepComplete"), "CompletedAllSubtasks", ("TokenDataSent",)
    brings = brought(CurrentToken="String", TokenIndex="Integer", TokenCount="Integer", CompletedCount="Integer")
    form = _Split

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if call.trigger == "StepComplete":
            return _next(call, self)
        tokens = given["InputString"].replace("\r\n", "\n").split(given["SplitDelimiter"].replace("\\n", "\n").replace("\\t", "\t"))
        tokens = [token.strip() for token in tokens] if given["TrimTokens"] else tokens
        tokens = [token for token in tokens if token] if given["SkipEmpty"] else tokens
        return _first(tokens, self)

    def told(self, item: Any, place: int, count: int) -> dict[str, Any]:
        return {"CurrentToken": item, "TokenIndex": place, "TokenCount": count, "CompletedCount": place}


class _Sweep(Settings):
    ParameterSets = anything("A list of parameter sets, or its JSON.")


class ParameterSweep(Task):
    """Sends parameter sets on one by one: the next when StepComplete says that the one before is done."""

    name, title, category = "parameter-sweep", "Parameter sweep", "Flow Control"
    begins, event_out, more_events = ("BeginSweep", "StepComplete"), "SweepComplete", ("ParameterSetReady",)
    brings = brought(CurrentParameters="Object", CurrentIndex="Integer", TotalCount="Integer", CompletedCount="Integer")
    form = _Sweep

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if call.trigger == "StepComplete":
            return _next(call, self)
        return _first(listed(given["ParameterSets"]), self)

    def told(self, item: Any, place: int, count: int) -> dict[str, Any]:
        return {"CurrentParameters": item, "CurrentIndex": place, "TotalCount": count, "CompletedCount": place}


def listed(value: Any) -> list[Any]:
    """A list, from itself or from its JSON. Raises ValueError."""
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, list):
        raise ValueError("a list is expected")
    return value


def _first(items: list[Any], task: SplitExecute | ParameterSweep) -> Answer:
    if len(items) > MOST_ROUNDS:
        return Fail(f"a loop has at most {MOST_ROUNDS} rounds")
    return _send(items, 0, task)


def _next(call: Call, task: SplitExecute | ParameterSweep) -> Answer:
    if not call.memory:
        return Fail(f"StepComplete came before {task.begins[0]}")
    return _send(call.memory["Items"], call.memory["Place"] + 1, task)


def _send(items: list[Any], place: int, task: SplitExecute | ParameterSweep) -> Answer:
    if place >= len(items):
        last = items[-1] if items else None
        return done(task, {**task.told(last, max(len(items) - 1, 0), len(items)), "CompletedCount": len(items)})
    return Fire(task.more_events[0], task.told(items[place], place, len(items)), memory={"Items": items, "Place": place})


class _Launch(Settings):
    OperationHash = text("The operation that is run.", required=True)
    InputData = anything("What the run begins with: an object, or its JSON.", "")
    TimeoutMs = number("How long it may take; 0: as long as it likes.", 0)
    InheritGlobalState = flag("Give it a copy of this run's global state.")


class LaunchOperation(Task):
    """Runs another operation and waits for its end."""

    name, title, category = "launch-operation", "Launch operation", "Flow Control"
    begins, event_out = ("Launch",), "Completed"
    brings = brought(Result="Object", Status="String", ElapsedMs="Integer")
    form = _Launch

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        data = given["InputData"]
        if isinstance(data, str) and data.strip():
            data = json.loads(data)
        if data and not isinstance(data, dict):
            data = {"InputData": data}
        return Launch(given["OperationHash"], data or {}, given["InheritGlobalState"], given["TimeoutMs"] or 0)

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        if outputs.get("Status") != "Complete":
            return Fail(f"The operation ended as {outputs.get('Status')}.", outputs)
        return Fire(self.event_out, outputs)


class Join(Task):
    """Does nothing but wait for its signals: with Join set to all, until each edge that leads here has brought one."""

    name, title, category = "join", "Join", "Flow Control"

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return Fire(self.event_out)


TYPES: tuple[type[Task], ...] = (Start, End, IfConditional, SplitExecute, ParameterSweep, LaunchOperation, Join)
