"""Remove what has ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schema.among import among
from schema.hub.commands import RetainWork
from schema.hub.rules.retention import KEPT, first_ticket, horizon, may_go
from schema.hub.tables import artifact, permit, run, work_attempt, work_event, work_item
from schema.outcome import Done, Outcome
from tasks.content.holding import let_go
from tasks.hub.tally import count
from tasks.rows import Row
from tasks.unit import Unit

#: Items that one transaction looks at: with their events and attempts some two thousand rows.
PAGE = 200
#: Permits that it removes.
PERMITS = 1_000

_COLUMNS = ("work_item_hash", "hub", "run_id", "capability", "action", "status", "ticket", "completed_at", "canceled_at")
_NEXT = (
    sa.select(*(work_item.c[name] for name in _COLUMNS))
    .where(
        work_item.c.hub == sa.bindparam("of_hub"),
        work_item.c.status == sa.bindparam("of_status"),
        work_item.c.ticket > sa.bindparam("after"),
        work_item.c.ticket < sa.bindparam("before"),
    )
    .order_by(work_item.c.ticket)
)
_FILES = sa.select(artifact.c.digest, sa.func.count().label("n")).where(among(artifact.c.work_item_hash, "hashes")).group_by(artifact.c.digest)
#: The item last: where a transaction were cut short by a server that knows none, nothing is left without its item.
_FORGET = [sa.delete(table).where(among(table.c.work_item_hash, "hashes")) for table in (artifact, work_event, work_attempt, work_item)]
_END_RUNS = sa.delete(run).where(
    among(run.c.run_id, "ids"),
    run.c.idempotency_key.is_(None),  # the same key is the same run for ever
    sa.or_(run.c.minted, run.c.ended_at.is_not(None)),
    ~sa.exists().where(work_item.c.run_id == run.c.run_id),
)
_FREE = sa.select(permit.c.id).where(permit.c.hub == sa.bindparam("of_hub"), permit.c.held == 0, permit.c.waiting == 0)
_END_PERMITS = sa.delete(permit).where(among(permit.c.id, "ids"))


def retain_work(command: RetainWork, unit: Unit) -> Outcome:
    """Look at one page of items of one state, and order the next page, or the next state, until all have been seen; permits go with the first."""
    told = {"Items": 0, "Permits": 0 if command.status else _end_permits(unit, command.hub)}
    status = command.status or KEPT[0]
    before = horizon({"Complete": command.days, "Canceled": command.canceled_days, "Error": command.failed_days}[status], unit.now)
    seen: Sequence[Row] = []
    if before is not None:
        wanted = {"of_hub": command.hub, "of_status": status, "after": command.after, "before": first_ticket(before)}
        seen = unit.read(_NEXT.limit(PAGE), wanted).mappings().all()
        unit.fetch(run, [(item["run_id"],) for item in seen])
        old = [item for item in seen if may_go(_ended_at(item), before, unit.find(run, (item["run_id"],)))]
        _forget(unit, old)
        told["Items"] = len(old)
    _go_on(command, unit, status, seen[-1]["ticket"] if len(seen) == PAGE else "")
    return Done(told)


def _ended_at(item: Row) -> Any:
    return item["canceled_at"] if item["status"] == "Canceled" else item["completed_at"]


def _go_on(command: RetainWork, unit: Unit, status: str, after: str) -> None:
    """Each page is a command of its own at the lane's end, so whatever else the hub has to do comes between two of them."""
    later = KEPT[KEPT.index(status) + 1 :]
    if not after and not later:
        return
    fields = command.payload() | ({"status": status, "after": after} if after else {"status": later[0], "after": ""})
    unit.order(RetainWork(**fields))


def _forget(unit: Unit, items: Sequence[Row]) -> None:
    """The items with all that belongs to them, and runs that have none left."""
    if not items:
        return
    hashes = {"hashes": [item["work_item_hash"] for item in items]}
    let_go(unit, {row.digest: int(row.n) for row in unit.read(_FILES, hashes)})
    for statement in _FORGET:
        unit.change(statement, hashes)
    for item in items:
        count(unit, item, item["status"], "")
    unit.change(_END_RUNS, {"ids": sorted({item["run_id"] for item in items})})


def _end_permits(unit: Unit, hub: str) -> int:
    """Permits of keys that nobody holds or waits for: the next item with such a key makes its own again."""
    ids = list(unit.read(_FREE.limit(PERMITS), {"of_hub": hub}).scalars())
    if ids:
        unit.change(_END_PERMITS, {"ids": ids})
    return len(ids)
