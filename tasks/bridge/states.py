"""The one way in which the state of a hub's persistence changes: row, event row, announcement, always together."""

from __future__ import annotations

from typing import Any

from schema.base import Event
from schema.bridge.rules.states import UNASSIGNED, next_state
from schema.bridge.tables import assignment, assignment_event
from schema.bridge.wire import status_record
from tasks.rows import Row
from tasks.unit import Unit

#: What a hub begins with.
NEW: dict[str, Any] = {
    "connection_id": 0,
    "beacon": "",
    "state": UNASSIGNED,
    "error": "",
    "assigned_at": None,
    "assigned_by": "",
    "bootstrapped_at": None,
    "retention_days": 0,
    "cancelled_retention_days": 0,
    "legal_hold": False,
}


def load(unit: Unit, hub: str) -> Row:
    """The hub's row; made where there is none yet."""
    found = unit.find(assignment, (hub,))
    if found is None:
        unit.add(assignment, {**NEW, "hub": hub, "changed_at": unit.now})
        found = unit.find(assignment, (hub,))
    assert found is not None
    return found


def happen(unit: Unit, row: Row, happening: str, reason: str = "", **values: Any) -> Row | None:
    """Let something happen. Returns the row after it, None where it cannot happen or changes nothing that anybody sees."""
    state = next_state(row["state"], happening)
    if state is None or (state == row["state"] and reason == row["error"] and not values):
        return None
    values = {"state": state, "error": reason[:500], "changed_at": unit.now, **values}
    unit.amend(assignment, (row["hub"],), values)
    after: Row = {**row, **values}
    told = {"id": unit.new_id(), "hub": row["hub"], "at": unit.now, "happening": happening, "from_state": row["state"], "to_state": state}
    unit.add(assignment_event, {**told, "connection_id": after["connection_id"], "actor": str(unit.actor), "reason": reason[:500]})
    shown = {"UltravisorInstanceID": row["hub"], "FromState": row["state"], "Happening": happening, **status_record(after)}
    unit.announce(Event("persistence", "persistence.state", shown))
    return after
