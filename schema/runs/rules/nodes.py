"""A node within a run: what it is doing, for which time, with which outputs; and what holds for its tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

#: A node that is doing something: at a beacon, in a worker, in a run of its own, or between two tries.
ACTIVE = ("Working", "Executing", "Launched", "Paused")
WAITING = "Waiting"
BUSY = (*ACTIVE, WAITING)
#: The others: never begun, or begun and over.
RESTING = ("Idle", "Complete", "Error", "Canceled")
STATES = (*RESTING, *BUSY)

#: The longest that a policy may ask for: a week.
LONGEST_MS = 604_800_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a node is tried, with which pause between tries (doubled each time), and how long one try may take; 0: no limit."""

    timeout_ms: int = 0
    max_attempts: int = 1
    backoff_ms: int = 1_000


def policy_of(said: Mapping[str, Any]) -> Policy:
    """The policy that a node states. Raises ValueError."""
    values: dict[str, int] = {}
    for name, field_name, least, most in (
        ("TimeoutMs", "timeout_ms", 0, LONGEST_MS),
        ("MaxAttempts", "max_attempts", 1, 100),
        ("RetryBackoffMs", "backoff_ms", 0, 3_600_000),
    ):
        value = said.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"Policy.{name} is a whole number from {least} to {most}")
        values[field_name] = value
    return Policy(**values)


def pause_ms(policy: Policy, attempt: int) -> int:
    """The pause after a failed try.

    >>> [pause_ms(Policy(max_attempts=5, backoff_ms=100), attempt) for attempt in (1, 2, 3)]
    [100, 200, 400]
    """
    return int(min(policy.backoff_ms * 2 ** min(attempt - 1, 20), 3_600_000))


#: What a node has brought that has brought nothing.
_NOTHING: Mapping[str, Any] = {}


class NodeState(NamedTuple):
    """One node of one run. `execution` numbers its beginnings: what reports of another one is late, and changes nothing.

    A tuple and no dataclass: a step copies a node several times, and a tuple is copied in a fifth of the time.
    """

    status: str = "Idle"
    execution: int = 0
    attempt: int = 0
    trigger: str = ""
    outputs: Mapping[str, Any] = _NOTHING
    #: What it is asked for, while it waits for somebody's word.
    waiting: Mapping[str, Any] | None = None
    #: Signals that came while it was busy; they are taken one after the other.
    backlog: tuple[str, ...] = ()
    #: What a loop remembers between its rounds.
    memory: Mapping[str, Any] | None = None
    #: Settings that somebody gave for a retry; they win over the graph's.
    overrides: Mapping[str, Any] | None = None
    #: The settings with which a worker or beacon was asked.
    settings: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    error: str = ""


IDLE = NodeState()
