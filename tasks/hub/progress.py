"""A beacon tells how far it is."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import orjson

from schema.base import Event
from schema.hub import frames
from schema.hub.commands import ProgressWork
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.hub.items import update
from tasks.hub.report import judge
from tasks.hub.stall import unstall
from tasks.unit import Unit

#: Lines of the log that an item's row keeps; the attempt gets the whole log with its end.
LOG_LINES = 200


def progress(command: ProgressWork, unit: Unit) -> Outcome:
    """Keep the newest word on the row and announce it; the history is for changes of state only."""
    judged = judge(unit, command, "")
    if isinstance(judged, Refused):
        return judged
    item, _ = judged
    if item["status"] == "Stalled":
        unstall(unit, [item])
    before = (item["progress"] or {}).get("Log", [])
    told = {
        "Percent": command.percent,
        "Message": command.message,
        "Step": command.step,
        "TotalSteps": command.total_steps,
        "UpdatedAt": to_wire(unit.now),
    }
    update(unit, item, progress=told | {"Log": (before + command.log)[-LOG_LINES:]}, last_event_at=unit.now)
    unit.announce(Event("queue", "queue.progress", {"WorkItemHash": item["work_item_hash"], "RunID": item["run_id"], **told}))
    if item["streamed"]:
        _stream(command, unit, told)
    answer = {"Success": True, "WorkItemHash": item["work_item_hash"]}
    return Done(answer | {"CancelRequested": True} if item["cancel_requested"] else answer)


def _stream(command: ProgressWork, unit: Unit, told: dict[str, Any]) -> None:
    """The same word to the one who listens, and what has come with it."""
    unit.stream(command.work_item_hash, frames.PROGRESS + orjson.dumps(told | {"Log": command.log}))
    if command.binary:
        unit.stream(command.work_item_hash, frames.INTERMEDIATE + b64decode(command.binary))
