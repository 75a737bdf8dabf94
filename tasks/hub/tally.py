"""Keep count of the items in each state, once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schema.hub.tables import tally
from tasks.unit import Unit

_OF = [column == sa.bindparam(f"of_{column.name}") for column in tally.primary_key]
_ADD = sa.update(tally).where(*_OF).values(items=tally.c["items"] + sa.bindparam("change"))
_STANDING = sa.select(tally.c.capability, tally.c.action, tally.c["items"].label("n")).where(
    tally.c.hub == sa.bindparam("of_hub"), tally.c.status.in_(sa.bindparam("statuses", expanding=True)), tally.c["items"] > 0
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
    """How many items of each (capability, action) are in these states, those that this unit has moved included."""
    found: dict[tuple[str, str], int] = {}
    for row in unit.read(_STANDING, {"of_hub": hub, "statuses": list(statuses)}):
        found[row.capability, row.action] = found.get((row.capability, row.action), 0) + int(row.n)
    for (of, capability, action, status), change in unit.sums.get(tally, {}).items():
        if of == hub and status in statuses:
            found[capability, action] = found.get((capability, action), 0) + change
    return {key: n for key, n in found.items() if n > 0}


def write(unit: Unit) -> None:
    """Write the sums of the batch: one statement for each count that moved."""
    for (hub, capability, action, status), change in unit.sums.pop(tally, {}).items():
        if not change:
            continue
        of = {"of_hub": hub, "of_capability": capability, "of_action": action, "of_status": status}
        if unit.change(_ADD, of | {"change": change}).rowcount == 0:
            unit.add(tally, {"hub": hub, "capability": capability, "action": action, "status": status, "items": change})
