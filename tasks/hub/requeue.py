"""Give failed and canceled items another chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schema.hub.commands import RequeueMany, RequeueWork
from schema.hub.rules.lifecycle import TRANSITIONS
from schema.hub.tables import work_item
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.items import happen, load
from tasks.rows import Row
from tasks.unit import Unit

#: States from which an item may be queued again.
REQUEUED = tuple(status for status, happening in TRANSITIONS if happening == "requeued")


def requeue(command: RequeueWork, unit: Unit) -> Outcome:
    """Queue the item with a new budget of tries; settings and priority as given, else as they were."""
    item = load(unit, command.hub, command.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {command.work_item_hash}.")
    if item["status"] not in REQUEUED:
        told = {"Success": False, "WorkItemHash": item["work_item_hash"], "Status": item["status"]}
        return Refused("conflict", f"The item is {item['status']}; only {' and '.join(REQUEUED)} can be queued again.", told)
    priority = _again(unit, item, command)
    return Done({"Success": True, "WorkItemHash": item["work_item_hash"], "Status": "Pending", "Priority": priority})


def requeue_many(command: RequeueMany, unit: Unit) -> Outcome:
    """Queue those that are named, or the oldest of a state; what cannot be queued again is left out. `More` tells that there are others."""
    if command.hashes is not None:
        unit.fetch(work_item, [(hash,) for hash in command.hashes])
        named = [load(unit, command.hub, hash) for hash in dict.fromkeys(command.hashes)]
        items: Sequence[Row] = [item for item in named if item is not None and item["status"] in REQUEUED]
    else:
        items = _oldest(command, unit)
    chosen = items[: command.limit]
    for item in chosen:
        _again(unit, item, RequeueWork(hub=command.hub, work_item_hash=item["work_item_hash"]))
    hashes = [item["work_item_hash"] for item in chosen]
    return Done({"Success": True, "Requeued": len(hashes), "WorkItemHashes": hashes, "More": len(items) > len(chosen)})


def _oldest(command: RequeueMany, unit: Unit) -> Sequence[Row]:
    c = work_item.c
    where = sa.and_(c.hub == command.hub, c.status == command.status)
    if command.capability:
        where = sa.and_(where, c.capability == command.capability)
    return unit.read(sa.select(work_item).where(where).order_by(c.ticket).limit(command.limit + 1)).mappings().all()


def _again(unit: Unit, item: Row, wish: RequeueWork) -> int:
    """From now on it is as if it were new, but for its history. Returns its priority."""
    priority = item["priority"] if wish.priority is None else wish.priority
    fresh: dict[str, Any] = {"failures": 0, "losses": 0, "last_error": "", "cancel_requested": False, "cancel_reason": ""}
    ended: dict[str, Any] = {"assigned_beacon_id": None, "completed_at": None, "canceled_at": None, "due_at": None, "progress": None, "result": None}
    settings = item["settings"] if wish.settings is None else wish.settings
    told = {"AttemptNumber": item["attempt_number"], "Priority": priority, "Reason": "requeued", "Edited": wish.settings is not None}
    happen(unit, item, "requeued", "requeued", told, priority=priority, settings=settings, **fresh, **ended)
    unit.at_end(dispatch, item["hub"])
    return int(priority)
