"""A beacon fails at an item."""

from __future__ import annotations

from datetime import timedelta
from random import random

from schema.hub.commands import FailWork
from schema.hub.rules.retry import retry_pause_ms
from schema.hub.rules.settle import Verdict
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.hub.dispatch import dispatch
from tasks.hub.items import duration_ms, end_attempt, happen
from tasks.hub.report import canceled, judge
from tasks.rows import Row
from tasks.unit import Unit


def fail(command: FailWork, unit: Unit) -> Outcome:
    """Store the error and free the slot; the item is tried again after a pause while it has tries left."""
    judged = judge(unit, command, "Error")
    if isinstance(judged, Refused):
        return judged
    item, verdict = judged
    if (told_canceled := canceled(unit, item, verdict, command)) is not None:
        return told_canceled
    if verdict is Verdict.ACCEPTED:
        end_in_failure(unit, item, "Error", command.error, command.log)
    return Done({"Status": "Failed", "WorkItemHash": item["work_item_hash"]})


def end_in_failure(unit: Unit, item: Row, outcome: str, error: str, log: list[str] | None = None) -> None:
    """End the attempt as `outcome` (Error, Timeout), then wait for the next try or end the item."""
    end_attempt(unit, item, outcome, error=error, log=log)
    failures = item["failures"] + 1
    told = {"Error": error, "Attempt": item["attempt_number"], "DurationMs": duration_ms(unit, item)}
    pause = retry_pause_ms(failures, item["max_attempts"], item["retry_backoff_ms"], random())  # noqa: S311 - jitter, not a secret
    holder = item["assigned_beacon_id"]
    if pause is None:
        happen(unit, item, "failed", "failed", told, holder, failures=failures, last_error=error, completed_at=unit.now, due_at=None)
    else:
        due = unit.now + timedelta(milliseconds=pause)
        told["RetryAfter"] = to_wire(due)
        happen(unit, item, "retried", "retry_scheduled", told, holder, failures=failures, last_error=error, assigned_beacon_id=None, due_at=due)
    unit.at_end(dispatch, item["hub"])
