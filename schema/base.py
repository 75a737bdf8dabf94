"""The kernel's words: Actor, Lane, Command, Event. What a domain says, it says with these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform


@dataclass(frozen=True, slots=True)
class Actor:
    """Who wants something; `id` tells them apart within the kind.

    `kind` is `anonymous`, `user` (by name), `token` (`<user>/<token>`), `beacon` (by BeaconID), `joining` (a beacon that has none yet, by
    name), `console` (the command line, by the operating system's user) or `system`.
    """

    kind: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    @lru_cache(maxsize=4_096)  # few actors send many commands
    def parse(cls, text: str) -> Self:
        kind, _, id = text.partition(":")
        return cls(kind, id)


ANONYMOUS = Actor("anonymous")
SYSTEM = Actor("system")


#: The database of the hub itself.
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class LaneKind:
    """A family of lanes. Database and Celery queue are those of all lanes of the kind, or of each its own: `{0}` stands for the lane's first part.

    `timed` is None for lanes that are flushed at once, else the seconds that a lane may gather commands. Commands of a `loose` kind leave
    nothing behind that a second time would change: their lanes keep no cursor, no receipts, and their verbs open what they need by themselves.
    `seconds` is what one flush may take before it is interrupted.
    """

    prefix: str
    database: str = CONTROL
    queue: str = "flush"
    timed: float | None = None
    loose: bool = False
    seconds: int = 4
    #: Whether what its units change may be followed: then the lane's first part names the hub whose rows they are.
    followed: bool = False

    def of(self, *parts: str | int) -> str:
        """The lane's name, e.g. `hub/<hub>`."""
        return "/".join([self.prefix, *map(str, parts)])

    def database_of(self, lane: str) -> str:
        """The database that the lane's batches change: `control`, or a name that the workers know how to open."""
        return self.database.format(*lane.split("/")[1:])

    def queue_of(self, lane: str) -> str:
        """The Celery queue on which the lane's doorbell rings."""
        return self.queue.format(*lane.split("/")[1:])


#: prefix -> kind; filled by `lane_kind` as domains are imported.
LANES: dict[str, LaneKind] = {}


def lane_kind(prefix: str, **policy: Any) -> LaneKind:
    """Declare a family of lanes."""
    kind = LANES[prefix] = LaneKind(prefix, **policy)
    return kind


def followed_hub(lane: str) -> str | None:
    """The hub whose changes the lane makes, None for a lane that nobody may follow."""
    prefix, _, rest = lane.partition("/")
    kind = LANES.get(prefix)
    return rest.partition("/")[0] if kind is not None and kind.followed else None


def kind_of(lane: str) -> LaneKind:
    """The family that a lane belongs to. Raises KeyError for a lane nobody declared."""
    return LANES[lane.partition("/")[0]]


class Command:
    """What should happen: a frozen record of JSON values with a stable dotted name. Its handler is another thing, tied by the name."""

    __slots__ = ()
    name: ClassVar[str]
    repeatable: ClassVar[bool]

    @property
    def lane(self) -> str:
        """The ordered stream in which the command waits for its turn."""
        raise TypeError(f"{type(self).__name__} names no lane")

    def payload(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {name: getattr(self, name) for name in _field_names(type(self))}

    def identity(self) -> dict[str, Any]:
        """What tells this command from another one under the same Idempotency-Key: all it says, unless it says so otherwise each time."""
        return self.payload()


#: dotted name -> command class; filled by `command`. A test keeps it equal to the verbs.
COMMANDS: dict[str, type[Command]] = {}

_FIELDS: dict[type, tuple[str, ...]] = {}


def _field_names(cls: type) -> tuple[str, ...]:
    names = _FIELDS.get(cls)
    if names is None:
        names = _FIELDS[cls] = tuple(f.name for f in fields(cls))
    return names


C = TypeVar("C", bound=Command)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(name: str, *, repeatable: bool = False) -> Callable[[type[C]], type[C]]:
    """Make a class a command: frozen, keyword-only, known by its name.

    `repeatable`: its verb recognises a repetition by the command's own content and answers the same, so no receipt is kept.

    Raises TypeError when the name is taken: it is what lies in journals and dead letters, so it must stay unique for ever. Likewise
    when a field would hide what every command has.
    """

    def declare(cls: type[C]) -> type[C]:
        if name in COMMANDS:
            raise TypeError(f"two commands are called {name}")
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        hidden = {"name", "repeatable", "lane", "payload", "identity"}.intersection(_field_names(made))
        if hidden:
            raise TypeError(f"{name}: a command cannot have a field called {hidden.pop()}")
        made.name, made.repeatable = name, repeatable
        COMMANDS[name] = made
        return made

    return declare


@dataclass(frozen=True, slots=True)
class Event:
    """A fact, announced by a unit and sent after its commit to the stream of its topic.

    `topic` names the stream (`queue`, `beacon`); `kind` is what the wire calls Topic (`queue.enqueued`); `payload` is in wire names.
    """

    topic: str
    kind: str
    payload: dict[str, Any]
