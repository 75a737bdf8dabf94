"""A run as the engine sees it, what may happen to it, and what it then orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schema.runs.rules.nodes import IDLE, NodeState
from schema.runs.rules.tasks import Dispatch, Launch

#: States of a run (ultravisor-hub 8.3) and whether they are the end of it.
LIVE = ("Queued", "In Progress", "Waiting", "Retrying")
FINAL = ("Complete", "Failed", "Error", "Stalled", "Abandoned", "Canceled")
STATUSES = (*LIVE, *FINAL)
#: Names that older clients use.
ALIASES = {"Pending": "Queued", "Running": "In Progress", "WaitingForInput": "Waiting"}
MODES = ("production", "standard", "debug")


class Nodes(Mapping[str, NodeState]):
    """The nodes of a run: what was there before, and what has changed since. A node that nobody has touched is idle."""

    def __init__(self, before: Mapping[str, NodeState] | None = None, changed: Mapping[str, NodeState] | None = None) -> None:
        self.before = {} if before is None else before
        self.changed = dict(changed or {})

    def __getitem__(self, hash: str) -> NodeState:
        found = self.changed.get(hash)
        return found if found is not None else self.before.get(hash, IDLE)

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self.before, *self.changed])

    def __len__(self) -> int:
        return len(set(self.before) | set(self.changed))

    def settled(self) -> Nodes:
        """The same, with nothing counted as changed."""
        return Nodes({**self.before, **self.changed})


#: A node, and the event with which it is to begin.
Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `active` and `waiting` count its busy nodes, `errors` the failures that no edge took."""

    hash: str
    mode: str = "standard"
    status: str = "Queued"
    staging: str = ""
    global_state: Mapping[str, Any] = field(default_factory=dict)
    operation_state: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    queue: tuple[Token, ...] = ()
    #: Half-filled joins: (node, input) as one text -> edge number -> signals.
    joins: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    active: int = 0
    waiting: int = 0
    steps: int = 0
    errors: int = 0
    retried: bool = False
    nodes: Nodes = field(default_factory=Nodes)


# What may happen.


@dataclass(frozen=True, slots=True)
class Begin:
    """The run begins: at its start nodes, or at `node` with a copy of what came before it."""

    node: str = ""
    overrides: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """What was left for later goes on."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Somebody who was asked has an answer: for one execution and one attempt of a node, no other. `error` None: it went well."""

    node: str
    execution: int
    attempt: int
    outputs: Mapping[str, Any]
    error: str | None = None
    event: str = ""
    log: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody has given what a node waits for."""

    node: str
    value: Any
    by: str


@dataclass(frozen=True, slots=True)
class Forced:
    """Somebody wants a busy node to fail."""

    node: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Nobody wants the run any more."""

    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Halted:
    """The run cannot go on: its graph or its state is not what an engine can work with."""

    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """The time of these nodes is over."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retried:
    """These nodes, which failed or were canceled, are to begin again; all that others have brought stays."""

    nodes: tuple[str, ...]
    overrides: Mapping[str, Any] | None
    by: str


Happening = Begin | Continue | Finished | Answered | Forced | Abandoned | Halted | Due | Retried


# What is ordered.


@dataclass(frozen=True, slots=True)
class Work:
    """A work item for a beacon."""

    node: str
    execution: int
    attempt: int
    item: Dispatch


@dataclass(frozen=True, slots=True)
class Execute:
    """A task for a worker; its settings are the node's."""

    node: str
    execution: int
    attempt: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Start:
    """A run of another operation, whose end is this node's answer."""

    node: str
    execution: int
    attempt: int
    operation: Launch


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What this execution of a node has ordered is not wanted any more; all that the run has ordered where no node is named."""

    node: str
    execution: int
    status: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the run's history: its kind, the node it is about, and what clients are told."""

    kind: str
    node: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoOn:
    """There is more to do than one step of the engine takes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has come to its end."""

    status: str


Effect = Work | Execute | Start | Withdraw | Note | GoOn | Ended


def timestamp(now: datetime) -> float:
    """Milliseconds since 1970."""
    return round(now.timestamp() * 1000)
