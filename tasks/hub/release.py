"""Take items back from a beacon that is gone."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.retry import given_up
from schema.hub.tables import work_item
from tasks.hub.cancel import end_canceled
from tasks.hub.items import end_attempt, happen
from tasks.rows import Row
from tasks.unit import Unit

_HELD = sa.select(work_item).where(
    work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status.in_(HELD), work_item.c.assigned_beacon_id == sa.bindparam("holder")
)


def held_items(unit: Unit, hub: str, beacon_id: str) -> Sequence[Row]:
    """What the beacon holds by our rows."""
    return unit.read(_HELD, {"of_hub": hub, "holder": beacon_id}).mappings().all()


def release(unit: Unit, items: Sequence[Row], reason: str) -> None:
    """End each attempt as Lost and queue the item again in its old place; one that has taken down too many beacons ends as Error,
    one that was to be canceled is.
    """
    for item in items:
        if item["cancel_requested"]:
            end_canceled(unit, item, item["cancel_reason"], error=reason)
            continue
        losses, holder = item["losses"] + 1, item["assigned_beacon_id"]
        told = {"Reason": reason, "AttemptNumber": item["attempt_number"]}
        end_attempt(unit, item, "Lost", error=reason)
        if given_up(losses):
            text = f"lost with its beacon {losses} times, last: {reason}"
            ended = {"losses": losses, "last_error": text, "completed_at": unit.now, "due_at": None}
            happen(unit, item, "failed", "failed", told | {"Error": text}, holder, **ended)
        else:
            happen(unit, item, "lost", "lost", told, holder, losses=losses, assigned_beacon_id=None, due_at=None)
