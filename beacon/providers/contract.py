"""The seam between a beacon and what it can do.

A provider of your own is a class with a capability, actions and `execute`, in any module that can be imported:

    from beacon.providers import Action, Context, Outputs, ProviderError, Setting

    class Greeting:
        capability = "Greeting"
        actions = (Action("Say", "Greets somebody.", (Setting("Who", "String", "Whom to greet.", required=True),)),)

        def execute(self, action, settings, context):
            if action != "Say":
                raise ProviderError(f"Greeting cannot {action}.")
            who = settings.get("Who") or "world"
            for step in range(3):
                context.pause(0.1)                      # raises when cancelled or too late
                context.progress(step * 33, f"step {step}")
            return {"Result": f"Hello, {who}!"}

`python -m beacon --provider my_module:Greeting` runs it. The class is called without arguments, once; `execute` is called from
up to `--max-concurrent` threads at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

#: What an action produced: names and values that JSON can carry. Usual names are StdOut, ExitCode and Result.
Outputs = dict[str, Any]


class ProviderError(Exception):
    """The work failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class Cancelled(ProviderError):
    """The work was cancelled."""


class TimedOut(ProviderError):
    """The work took too long."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an action; `data_type` is String, Number, Boolean, Object or Array."""

    name: str
    data_type: str
    description: str
    required: bool = False
    default: Any = None

    def wire(self) -> dict[str, Any]:
        form = {"Name": self.name, "DataType": self.data_type, "Required": self.required, "Description": self.description}
        return form if self.default is None else {**form, "Default": self.default}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a provider can do. The hub shows it in its catalogue and makes a task type of it."""

    name: str
    description: str
    settings: tuple[Setting, ...] = ()

    def wire(self, capability: str) -> dict[str, Any]:
        schema = [setting.wire() for setting in self.settings]
        return {"Capability": capability, "Action": self.name, "Description": self.description, "SettingsSchema": schema}


class Context(Protocol):
    """The attempt that is being worked on."""

    @property
    def deadline(self) -> float | None:
        """When the attempt is too late, as `time.monotonic()`; None without a limit."""

    @property
    def work_folder(self) -> Path:
        """A folder of this attempt alone; made when first asked for, removed with all it holds when the attempt ends."""

    def remaining(self) -> float | None:
        """Seconds up to the deadline, never below zero; None without a limit."""

    def progress(self, percent: float, message: str = "", step: int | None = None, total_steps: int | None = None, log: Iterable[str] = ()) -> None:
        """Tells the hub how far the work is. Returns at once: only the newest progress is sent, and none delays the work."""

    def attach(self, path: Path | str, name: str = "", content_type: str = "") -> None:
        """Hands a file out with the result: it is uploaded once the work is done, before the result is reported, so it must lie there until then
        (the work folder does). `name` is what it is called at the hub, `path`'s own name without it; the type is guessed from the name."""

    def log(self, line: str) -> None:
        """Adds a line to the log that goes with the final report. Lines that should be seen earlier go with `progress`."""

    def cancelled(self) -> bool:
        """Whether the work should end: the hub cancelled it, or gave it to somebody else, or the beacon stops."""

    def check(self) -> None:
        """Returns when work may go on. Raises: Cancelled, TimedOut."""

    def pause(self, seconds: float) -> None:
        """Waits, and wakes at once when there is a reason not to go on. Raises: Cancelled, TimedOut."""

    def broken_off_by(self, breaker: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside the block a cancellation calls `breaker`, from another thread; at once if it came before."""


class Provider(Protocol):
    """One capability and how its actions are carried out."""

    @property
    def capability(self) -> str:
        """The word by which the hub finds beacons for an item."""

    @property
    def actions(self) -> Sequence[Action]:
        """What can be asked for, as it is announced to the hub."""

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        """Does the work and returns what it produced. Any exception makes it a failed attempt with that message; a result,
        whatever it says (an exit code for instance), makes it a completed one. Called from several threads at a time."""


#: Providers by their capability.
Providers = Mapping[str, Provider]
