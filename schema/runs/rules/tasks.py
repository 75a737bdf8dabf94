"""What a task type is to the engine: settings and a call in, one of a few answers out. Pure types fire at once; the others ask for something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from schema.runs.rules.address import Scope


@dataclass(frozen=True, slots=True)
class Call:
    """One execution: by which event, seeing what. `seed` is the same whenever the same execution is computed again."""

    trigger: str
    scope: Scope
    execution: int
    attempt: int
    seed: str
    memory: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """The task is done: which event leaves it, what it brought, what it writes into the run's state."""

    event: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[tuple[str, Any], ...] = ()
    log: tuple[str, ...] = ()
    memory: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The task cannot do what it is asked."""

    message: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    #: Whether another try could end otherwise.
    again: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody must say something. Without a word within `timeout_ms` (0: for ever) `expires` leaves the node."""

    prompt: str
    address: str
    event: str = "ValueInputComplete"
    expires: str = "Cancelled"
    timeout_ms: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A beacon must do something; the hub has its own tries and its own time for it."""

    capability: str
    action: str
    settings: Mapping[str, Any]
    affinity_key: str = ""
    require_affinity_match: bool = False
    timeout_ms: int | None = None
    max_attempts: int | None = None
    retry_backoff_ms: int | None = None
    priority: int | None = None
    #: Where the result is also written, if anywhere.
    destination: str = ""
    #: What the type wants to see again when it is told the result.
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perform:
    """A worker must touch the world."""

    settings: Mapping[str, Any]
    timeout_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Launch:
    """Another operation must run."""

    operation: str
    parameters: Mapping[str, Any]
    inherit_global: bool = False
    timeout_ms: int = 0


Answer = Fire | Fail | Ask | Dispatch | Perform | Launch


class TaskType(Protocol):
    """A kind of node."""

    @property
    def event_out(self) -> str:
        """The event that leaves it when all went well and nobody says otherwise."""

    @property
    def error_event(self) -> str:
        """The event that leaves it when it fails; empty when it has none."""

    @property
    def raw(self) -> frozenset[str]:
        """Settings that are no templates: objects and lists."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What holds for settings that nobody gives."""

    def answer(self, settings: Mapping[str, Any], call: Call) -> Answer:
        """What comes of one execution. Raises ValueError for settings that make no sense."""

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        """What comes of what somebody else has brought, for the settings with which they were asked. `event` is theirs, if they name one."""


class Catalog(Protocol):
    """The task types that there are."""

    def get(self, name: str, /) -> TaskType | None:
        """The type of that name."""
