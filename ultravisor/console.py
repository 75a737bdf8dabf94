"""Orders from the command line: they take the road of every change, and the audit names who sat there."""

from __future__ import annotations

from getpass import getuser

from schema.base import Actor, Command
from schema.errors import UltravisorError
from schema.outcome import Done, Outcome
from schema.settings import Settings


class NotDone(UltravisorError):
    """The hub has declined."""


def outcome_of(settings: Settings, command: Command, wait: float = 10.0) -> Outcome:
    """The committed outcome. Raises what dispatching raises: no broker, no answer in time."""
    from app.dispatch import Dispatcher  # here, for it takes longer to load than most commands take

    return Dispatcher(settings).dispatch(command, actor=Actor("console", getuser()), wait=wait)


def done(settings: Settings, command: Command) -> dict[str, object]:
    """What was done. Raises NotDone with the hub's own words."""
    outcome = outcome_of(settings, command)
    if not isinstance(outcome, Done):
        raise NotDone(outcome.text)
    return outcome.value
