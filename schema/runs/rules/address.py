"""Addresses: how a graph names a value of its run (ultravisor-hub 8.2).

`Global.x`, `Operation.x`, `Task.x` (the outputs of the node itself), `TaskOutput.<NodeHash>.x`, `Output.x`, `Staging.Path`; a bare
name is looked for in the operation's state, then in the global one. Steps are parted by dots; `[2]` or `2` is a place in a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The longest address, and the most steps of one: a path is walked at each use.
LONGEST, DEEPEST = 500, 32

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_WHOLE = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[\d+\])*")

#: The roots that can be written to.
WRITABLE = ("Global", "Operation", "Output")


class BadAddress(ValueError):
    """Text that names no place."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a node can see. `outputs` gives the outputs of a node, None for one that has not run; `task` is its own hash."""

    global_state: Mapping[str, Any]
    operation_state: Mapping[str, Any]
    output: Mapping[str, Any]
    outputs: Callable[[str], Mapping[str, Any] | None]
    staging: str = ""
    task: str = ""
    #: Further roots, for the template of a connection: `Value` is what comes through it.
    more: Mapping[str, Any] = field(default_factory=dict)


def steps_of(address: str) -> list[str]:
    """The steps of an address.

    >>> steps_of("Operation.rows[2].name")
    ['Operation', 'rows', '2', 'name']

    Raises BadAddress.
    """
    text = address.strip().removeprefix("Record.")
    if not text or len(text) > LONGEST or not _WHOLE.fullmatch(text):
        raise BadAddress(f"{address[:80]!r} is no address")
    found = [place or name for place, name in _STEP.findall(text)]
    if len(found) > DEEPEST:
        raise BadAddress(f"an address has at most {DEEPEST} steps")
    return found


def look_up(address: str, scope: Scope) -> Any:
    """The value at the address, None where nothing is. Raises BadAddress."""
    root, *rest = steps_of(address)
    if root in scope.more:
        return walk(scope.more[root], rest)
    if root == "TaskOutput":
        return walk(scope.outputs(rest[0]), rest[1:]) if rest else None
    if root == "Task":
        return walk(scope.outputs(scope.task), rest)
    if root == "Staging":
        return walk({"Path": scope.staging}, rest)
    places = {"Global": scope.global_state, "Operation": scope.operation_state, "Output": scope.output}
    if root in places:
        return walk(places[root], rest)
    return walk(scope.operation_state if root in scope.operation_state else scope.global_state, [root, *rest])


def walk(value: Any, steps: list[str]) -> Any:
    """What lies at the end of the steps, None as soon as one leads nowhere."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def target_of(address: str) -> tuple[str, list[str]]:
    """Where a write goes: one of WRITABLE, and the steps below it. Raises BadAddress for what cannot be written."""
    root, *rest = steps_of(address)
    if root in ("TaskOutput", "Task", "Staging"):
        raise BadAddress(f"{root} cannot be written")
    if root in WRITABLE:
        if not rest:
            raise BadAddress(f"{address!r} would replace all of {root}")
        return root, rest
    return "Operation", [root, *rest]


def written(tree: Mapping[str, Any], steps: list[str], value: Any) -> dict[str, Any]:
    """The tree with the value at the end of the steps; what lies beside the path is shared, what stands in its way is replaced."""
    step, *rest = steps
    copy = dict(tree)
    if not rest:
        copy[step] = value
        return copy
    below = copy.get(step)
    if isinstance(below, list) and rest[0].isdecimal() and int(rest[0]) <= len(below):
        copy[step] = _written_list(below, rest, value)
    else:
        copy[step] = written(below if isinstance(below, Mapping) else {}, rest, value)
    return copy


def _written_list(items: list[Any], steps: list[str], value: Any) -> list[Any]:
    place, rest = int(steps[0]), steps[1:]
    copy = list(items)
    if place == len(copy):
        copy.append(None)
    below = copy[place]
    copy[place] = written(below if isinstance(below, Mapping) else {}, rest, value) if rest else value
    return copy
