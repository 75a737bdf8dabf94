"""Do what is due."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.commands import Tick
from schema.hub.tables import work_item
from schema.outcome import Done, Outcome
from tasks.hub.dispatch import dispatch
from tasks.hub.fail import end_in_failure
from tasks.hub.items import happen
from tasks.unit import Unit

#: Items per transaction; the next tick takes the rest.
PAGE = 500


def tick(command: Tick, unit: Unit) -> Outcome:
    """Queue again what has waited long enough; end attempts whose time is over."""
    due = sa.select(work_item).where(work_item.c.hub == command.hub, work_item.c.due_at <= unit.now).order_by(work_item.c.due_at).limit(PAGE)
    items = unit.read(due).mappings().all()
    for item in items:
        if item["status"] == "RetryScheduled":
            happen(unit, item, "due", "requeued", {"AttemptNumber": item["attempt_number"]}, due_at=None)
        else:
            end_in_failure(unit, item, "Timeout", f"no result within {item['timeout_ms']} ms")
    if items:
        unit.at_end(dispatch, command.hub)
    return Done({"Due": len(items)})
