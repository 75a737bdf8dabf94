"""Keep count of the items in each state, once per batch."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.hub.tables import tally
from tasks.unit import Unit

_OF = [column == sa.bindparam(f"of_{column.name}") for column in tally.primary_key]
_ADD = sa.update(tally).where(*_OF).values(items=tally.c["items"] + sa.bindparam("change"))


def count(unit: Unit, item: Any, before: str, after: str) -> None:
    """Note that an item has gone from one state to another; `before` is empty for a new one."""
    sums = unit.sums.setdefault(tally, {})
    for status, change in ((before, -1), (after, 1)):
        if status:
            key = (item["hub"], item["capability"], item["action"], status)
            sums[key] = sums.get(key, 0) + change
    unit.at_end(write)


def write(unit: Unit) -> None:
    """Write the sums of the batch: one statement for each count that moved."""
    for (hub, capability, action, status), change in unit.sums.pop(tally, {}).items():
        if not change:
            continue
        of = {"of_hub": hub, "of_capability": capability, "of_action": action, "of_status": status}
        if unit.change(_ADD, of | {"change": change}).rowcount == 0:
            unit.add(tally, {"hub": hub, "capability": capability, "action": action, "status": status, "items": change})
