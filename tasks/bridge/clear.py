"""Keep a hub's rows nowhere else any more."""

from __future__ import annotations

import sqlalchemy as sa

from schema.bridge.commands import Clear, ForgetChanges
from schema.bridge.wire import status_record
from schema.ledger.tables import feed
from schema.outcome import Done, Outcome
from tasks.bridge import states
from tasks.ledger.audit import note
from tasks.unit import Unit


def clear(command: Clear, unit: Unit) -> Outcome:
    """Close the feed. What is on its way at this moment may still arrive; what lies over there stays. Clearing twice is clearing once."""
    row = states.load(unit, command.hub)
    after = states.happen(unit, row, "cleared", connection_id=0, beacon="", assigned_at=None, assigned_by="", bootstrapped_at=None)
    if after is not None:
        last = unit.read(sa.select(feed.c.last).where(feed.c.hub == command.hub)).scalar()
        unit.change(sa.delete(feed).where(feed.c.hub == command.hub))
        unit.order(ForgetChanges(hub=command.hub, until=last or 0))
        note(unit, command.name, f"hub {command.hub}", "cleared", {"IDBeaconConnection": row["connection_id"]})
    shown = status_record(after or row)
    return Done({"Success": True, "Queue": shown, "Manifest": shown})
