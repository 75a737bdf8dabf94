"""Every task type by name: the built-in ones, and a card for each action that beacons have declared. A built-in name wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from schema.runs.types import beacons, files, flow, http, people, platform, services, tables, transform
from schema.runs.types.base import Task
from schema.runs.types.beacons import BeaconCard, Command, card_hash

FAMILIES = (flow, transform, tables, files, beacons, people, http, services, platform)


@cache
def built_in(local_shell: bool = False) -> Mapping[str, Task]:
    """The task types of the product. `local_shell`: command runs on the hub's own host."""
    found: dict[str, Task] = {type.name: type() for family in FAMILIES for type in family.TYPES if type is not Command}
    found[Command.name] = Command(local_shell)
    return found


def cards(schemas: Iterable[Mapping[str, Any]]) -> dict[str, Task]:
    """Cards for the actions of these schemas, the latest of each action."""
    found: dict[str, Task] = {}
    for row in schemas:
        capability, action = row.get("Capability"), row.get("Action")
        if isinstance(capability, str) and isinstance(action, str) and capability and action:
            settings = row.get("SettingsSchema")
            found[card_hash(capability, action)] = BeaconCard(
                capability, action, settings if isinstance(settings, list) else [], str(row.get("Description") or "")
            )
    return found


class Types:
    """The catalog that an engine is given. Beacons' cards are looked up when a graph first names one."""

    def __init__(self, built_in: Mapping[str, Task], more: Callable[[], Mapping[str, Task]] = dict) -> None:
        self._built_in = built_in
        self._more = more
        self._cards: Mapping[str, Task] | None = None

    def get(self, name: str) -> Task | None:
        found = self._built_in.get(name)
        if found is not None or not name.startswith("beacon-"):
            return found
        if self._cards is None:
            self._cards = self._more()
        return self._cards.get(name)
