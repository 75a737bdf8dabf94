"""What holds for an item whose sender does not say: kept by an operator, looked up when the item is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from schema.hub.commands import DropActionDefaults, EnqueueWork, SetActionDefaults
from schema.hub.rules.defaults import Defaults, defaults_of
from schema.hub.tables import action_default
from schema.hub.wire import action_default_record
from schema.outcome import Done, Outcome, Refused
from tasks.unit import Unit

_ALL = sa.select(action_default).where(action_default.c.hub == sa.bindparam("of_hub"))


def _known(unit: Unit, hub: str) -> Mapping[tuple[str, str], Defaults]:
    """All defaults of the hub, remembered until they change: none but its lane changes them."""
    known: dict[tuple[str, str], Defaults] | None = unit.memory.get((action_default, hub))
    if known is None:
        rows = unit.read(_ALL, {"of_hub": hub})
        known = {(r.capability, r.action): Defaults(r.timeout_ms, r.max_attempts, r.retry_backoff_ms, r.default_priority) for r in rows}
        unit.memory[action_default, hub] = known
    return known


def _usual(unit: Unit, hub: str, capability: str, action: str) -> Defaults:
    """What holds for the action, worked out once per unit: a batch has many items of few actions."""
    worked_out: dict[tuple[str, str], Defaults] = unit.notes.setdefault((action_default, hub, "usual"), {})
    found = worked_out.get((capability, action))
    if found is None:
        found = worked_out[capability, action] = defaults_of(_known(unit, hub), capability, action)
    return found


def _forget(unit: Unit, hub: str) -> None:
    unit.memory.pop((action_default, hub), None)
    unit.notes.pop((action_default, hub, "usual"), None)


def policy(unit: Unit, command: EnqueueWork) -> dict[str, int]:
    """The item's time, tries, pause and priority: what its sender says, else the defaults."""
    usual = _usual(unit, command.hub, command.capability, command.action)
    said = {
        "timeout_ms": (command.timeout_ms, usual.timeout_ms),
        "max_attempts": (command.max_attempts, usual.max_attempts),
        "retry_backoff_ms": (command.retry_backoff_ms, usual.retry_backoff_ms),
        "priority": (command.priority, usual.default_priority),
    }
    return {name: int(given if given is not None else default or 0) for name, (given, default) in said.items()}


def _mine(command: SetActionDefaults | DropActionDefaults) -> Any:
    c = action_default.c
    return (c.hub == command.hub) & (c.capability == command.capability) & (c.action == command.action)


def set_defaults(command: SetActionDefaults, unit: Unit) -> Outcome:
    """Store the defaults; they hold for items that are stored from now on."""
    key = {"hub": command.hub, "capability": command.capability, "action": command.action}
    values = {name: value for name, value in command.payload().items() if name not in key} | {"updated_at": unit.now}
    if unit.change(sa.update(action_default).where(_mine(command)).values(values)).rowcount == 0:
        unit.add(action_default, key | values)
    _forget(unit, command.hub)
    return Done(action_default_record(key | values))


def drop_defaults(command: DropActionDefaults, unit: Unit) -> Outcome:
    """Forget them; what was stored under them stays as it is."""
    if unit.change(sa.delete(action_default).where(_mine(command))).rowcount == 0:
        return Refused("not_found", f"There are no defaults for {command.capability}/{command.action}.")
    _forget(unit, command.hub)
    return Done({"Status": "Deleted", "Capability": command.capability, "Action": command.action})
