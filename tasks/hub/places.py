"""Where a waiting item stands, and the permits of concurrency keys: what lets a dispatch look only at those who can go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from schema.hub.ids import named_id
from schema.hub.rules import lines
from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.permits import granted, may_have
from schema.hub.rules.ranking import rank_of
from schema.hub.tables import affinity, permit, work_item
from tasks.rows import Row
from tasks.unit import Unit

#: Those who wait for a permit that one round looks at; a key that gets more back at once is served again by the next dispatch.
PAGE = 200

_FIRST = (
    sa.select(work_item)
    .where(
        work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status == sa.literal_column("'Pending'"), work_item.c.line == sa.bindparam("of_line")
    )
    .order_by(work_item.c.rank, work_item.c.ticket)
    .limit(sa.bindparam("most"))
)


def foresee(unit: Unit, rows: Iterable[tuple[str, str, str]]) -> None:
    """Read what the places of these items depend on: (hub, affinity key, concurrency key) of each."""
    wanted = list(rows)
    if any(key for _, key, _ in wanted):
        unit.fetch(affinity, [(named_id(hub, key),) for hub, key, _ in wanted if key])
    if any(key for _, _, key in wanted):
        unit.fetch(permit, [(named_id(hub, key),) for hub, _, key in wanted if key])


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def ready(unit: Unit, item: Row, fresh: bool = True) -> dict[str, Any]:
    """The columns of an item that becomes ready now: its line, after its permit if it needs one. `fresh` gives it a new rank, too."""
    values: dict[str, Any] = {"line": _line(unit, item), "ready_at": unit.now}
    if fresh:
        values["rank"] = rank_of(milliseconds(unit.now), item["priority"])
    return values


def moved(unit: Unit, before: Row, after: Row) -> dict[str, Any]:
    """What a change of state means for place and permit: columns to change with it."""
    had, has = _has_permit(before), after["status"] in HELD
    if after["status"] == "Pending":
        if had:
            return {"line": place(unit, after), "ready_at": unit.now}
        return ready(unit, after, fresh=before["status"] != "RetryScheduled")
    if before["concurrency_key"]:
        if had and not has:
            give_back(unit, before)
        elif before["status"] == "Pending" and not had:
            _count(unit, before, waiting=-1)
    return {}


def _has_permit(item: Row) -> bool:
    """Whether a permit is spent on it, as far as it needs one."""
    return item["status"] in HELD or (item["status"] == "Pending" and not lines.is_keyed(item["line"]))


def place(unit: Unit, item: Row) -> str:
    """The line of an item that has its permit."""
    name = None
    if item["affinity_key"] and not item["require_affinity_match"]:
        bound = unit.find(affinity, (named_id(item["hub"], item["affinity_key"]),))
        if bound is not None and (bound["expires_at"] is None or bound["expires_at"] > unit.now):
            name = bound["beacon_name"]
    return lines.line_of(item["capability"], item["affinity_key"], item["require_affinity_match"], name)


def _line(unit: Unit, item: Row) -> str:
    key = item["concurrency_key"]
    if not key:
        return place(unit, item)
    row = _permit(unit, item["hub"], key)
    if may_have(row["held"], row["waiting"], item["concurrency_limit"]):
        _count(unit, item, held=1)
        return place(unit, item)
    _count(unit, item, waiting=1)
    if row["held"] < item["concurrency_limit"]:
        _note(unit, item)  # those before it may be allowed fewer than it is
    return lines.keyed(key)


def _permit(unit: Unit, hub: str, key: str) -> Row:
    id = named_id(hub, key)
    row = unit.find(permit, (id,))
    if row is None:
        row = {"id": id, "hub": hub, "concurrency_key": key, "held": 0, "waiting": 0}
        unit.add(permit, dict(row))
    return row


def _count(unit: Unit, item: Row, held: int = 0, waiting: int = 0) -> None:
    row = _permit(unit, item["hub"], item["concurrency_key"])
    unit.amend(permit, (row["id"],), {"held": max(0, row["held"] + held), "waiting": max(0, row["waiting"] + waiting)})


def give_back(unit: Unit, item: Row) -> None:
    """The item's permit is free for the next one of its key."""
    _count(unit, item, held=-1)
    _note(unit, item)


def _note(unit: Unit, item: Row) -> None:
    unit.notes.setdefault(permit, {})[item["hub"], item["concurrency_key"]] = None


def serve(unit: Unit) -> None:
    """Give the permits that came back in this unit to those who wait for them."""
    for hub, key in unit.notes.pop(permit, {}):
        row = _permit(unit, hub, key)
        if not row["waiting"]:
            continue
        first = unit.read(_FIRST, {"of_hub": hub, "of_line": lines.keyed(key), "most": PAGE}).mappings().all()
        for item in first[: granted(row["held"], [item["concurrency_limit"] for item in first])]:
            _count(unit, item, held=1, waiting=-1)
            unit.amend(work_item, (item["work_item_hash"],), {"line": place(unit, item)})
