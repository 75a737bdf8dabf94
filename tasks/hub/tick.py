"""Do what is due."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.commands import Tick
from schema.hub.tables import unique_item, work_item
from schema.outcome import Done, Outcome
from tasks.hub import affinity
from tasks.hub.cancel import end_canceled
from tasks.hub.dispatch import dispatch
from tasks.hub.fail import end_in_failure
from tasks.hub.items import happen
from tasks.unit import Unit

#: Items per transaction; the next tick takes the rest.
PAGE = 500


def tick(command: Tick, unit: Unit) -> Outcome:
    """Queue what has waited long enough; end attempts whose time, or whose grace, is over; forget what holds no more."""
    due = sa.select(work_item).where(work_item.c.hub == command.hub, work_item.c.due_at <= unit.now).order_by(work_item.c.due_at).limit(PAGE)
    items = unit.read(due).mappings().all()
    for item in items:
        if item["cancel_requested"]:
            end_canceled(unit, item, item["cancel_reason"], error="no word within the grace")
        elif item["status"] == "Delayed":
            happen(unit, item, "due", "ready", {}, due_at=None)
        elif item["status"] == "RetryScheduled":
            happen(unit, item, "due", "requeued", {"AttemptNumber": item["attempt_number"]}, due_at=None)
        else:
            end_in_failure(unit, item, "Timeout", f"no result within {item['timeout_ms']} ms")
    affinity.forget_expired(unit, command.hub, PAGE)
    old = sa.select(unique_item.c.id).where(unique_item.c.hub == command.hub, unique_item.c.expires_at <= unit.now).limit(PAGE)
    if ids := list(unit.read(old).scalars()):
        unit.change(sa.delete(unique_item).where(unique_item.c.id.in_(ids)))
    if items:
        unit.at_end(dispatch, command.hub)
    return Done({"Due": len(items)})
