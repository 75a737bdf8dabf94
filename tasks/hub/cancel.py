"""End an item before its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from schema import envelope as keys
from schema.hub.commands import CancelWork
from schema.hub.rules.canceling import Wish, judge_cancel
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.items import end_attempt, happen, load, record, update
from tasks.rows import Row
from tasks.unit import Unit


def cancel(command: CancelWork, unit: Unit) -> Outcome:
    """End a waiting item at once; tell the holder of one at work, which ends with the holder's next word or when the grace is over."""
    item = load(unit, command.hub, command.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {command.work_item_hash}.")
    wish = judge_cancel(item["status"], item["cancel_requested"])
    if wish is Wish.ALREADY_FINAL:
        return Refused("already_final", "The item has already ended.", _told(item, item["status"], Success=False))
    if wish is Wish.AT_ONCE:
        end_canceled(unit, item, command.reason)
    if wish is Wish.ASK_HOLDER:
        _ask(unit, item, command)
    if wish in (Wish.ASK_HOLDER, Wish.ASKED):
        _tell_holder(unit, item)
        return Done(_told(item, item["status"], CancelRequested=True))
    return Done(_told(item, "Canceled"))


def _told(item: Row, status: str, Success: bool = True, **more: Any) -> dict[str, Any]:  # noqa: N803 - a name of the wire
    return {"Success": Success, "WorkItemHash": item["work_item_hash"], "Canceled": status == "Canceled", "Status": status, **more}


def _ask(unit: Unit, item: Row, command: CancelWork) -> None:
    due, seq = unit.now + timedelta(milliseconds=command.grace_ms), item["seq"] + 1
    update(unit, item, cancel_requested=True, cancel_reason=command.reason, due_at=due, seq=seq)
    told = {"Reason": command.reason, "AttemptNumber": item["attempt_number"]}
    record(unit, item, seq, "cancel_requested", item["status"], item["status"], told, item["assigned_beacon_id"])


def _tell_holder(unit: Unit, item: Row) -> None:
    """A word in the holder's inbox; transport shows it, and a beacon that hears it twice does no harm."""
    message = {"CancelWorkItem": item["work_item_hash"], "AttemptNumber": item["attempt_number"]}
    unit.deliver(keys.inbox(item["hub"], item["assigned_beacon_id"]), orjson.dumps(message))


def end_canceled(unit: Unit, item: Row, reason: str, **attempt: Any) -> None:
    """The item ends as Canceled, with its attempt if it has an open one; what the holder has brought (`attempt`) is kept there."""
    holder = item["assigned_beacon_id"] or ""
    if item["status"] in ("Running", "Stalled"):
        end_attempt(unit, item, "Canceled", **attempt)
    told = {"Reason": reason, "AttemptNumber": item["attempt_number"]}
    happen(unit, item, "canceled", "canceled", told, holder, canceled_at=unit.now, due_at=None, cancel_reason=reason)
    unit.at_end(dispatch, item["hub"])
