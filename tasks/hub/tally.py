"""Keep count of the items in each state, once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schema.hub.rules.lifecycle import QUEUED
from schema.hub.tables import tally
from tasks.unit import Unit

#: Hub, capability, action, state.
Key = tuple[str, str, str, str]

_OF = [column == sa.bindparam(f"of_{column.name}") for column in tally.primary_key]
_ADD = sa.update(tally).where(*_OF).values(items=tally.c["items"] + sa.bindparam("change"))
_STANDING = sa.select(tally.c.capability, tally.c.action, tally.c.status, tally.c["items"].label("n")).where(
    tally.c.hub == sa.bindparam("of_hub"), tally.c.status.in_([sa.literal_column(f"'{status}'") for status in QUEUED]), tally.c["items"] > 0
)


def count(unit: Unit, item: Any, before: str, after: str) -> None:
    """Note that an item has gone from one state to another; `before` is empty for a new one."""
    sums = unit.sums.setdefault(tally, {})
    for status, change in ((before, -1), (after, 1)):
        if status:
            key = (item["hub"], item["capability"], item["action"], status)
            sums[key] = sums.get(key, 0) + change
    unit.at_end(write)


def standing(unit: Unit, hub: str, statuses: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many items of each (capability, action) are in these states of waiting, those that this unit has moved included."""
    found: dict[tuple[str, str], int] = {}
    for counts in (_stored(unit, hub), unit.sums.get(tally, {})):
        for (of, capability, action, status), n in counts.items():
            if of == hub and status in statuses:
                found[capability, action] = found.get((capability, action), 0) + n
    return {key: n for key, n in found.items() if n > 0}


def _stored(unit: Unit, hub: str) -> dict[Key, int]:
    """What the rows say of items that wait: remembered, and kept in step with what the units of the lane write, for no other lane does."""
    stored: dict[Key, int] | None = unit.memory.get((tally, hub))
    if stored is None:
        rows = unit.read(_STANDING, {"of_hub": hub})
        stored = unit.memory[tally, hub] = {(hub, row.capability, row.action, row.status): int(row.n) for row in rows}
    return stored


def write(unit: Unit) -> None:
    """Write the sums of the batch: one statement for each count that moved."""
    for (hub, capability, action, status), change in unit.sums.pop(tally, {}).items():
        if not change:
            continue
        if (stored := unit.memory.get((tally, hub))) is not None:
            stored[hub, capability, action, status] = stored.get((hub, capability, action, status), 0) + change
        of = {"of_hub": hub, "of_capability": capability, "of_action": action, "of_status": status}
        if unit.change(_ADD, of | {"change": change}).rowcount == 0:
            unit.add(tally, {"hub": hub, "capability": capability, "action": action, "status": status, "items": change})
