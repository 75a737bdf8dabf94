"""A beacon has uploaded a file of the attempt that it holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import AttachArtifact
from schema.hub.tables import artifact
from schema.hub.wire import artifact_record
from schema.outcome import Done, Outcome, Refused
from tasks.content.holding import hold, let_go
from tasks.hub.items import load, update
from tasks.hub.report import judge
from tasks.hub.stall import unstall
from tasks.rows import Row
from tasks.unit import Unit

#: Files of one item, all attempts together.
MOST = 1_000

_OF_ITEM = sa.select(artifact).where(artifact.c.work_item_hash == sa.bindparam("of_item")).limit(MOST)


def attach(command: AttachArtifact, unit: Unit) -> Outcome:
    """Add the file to its attempt, fenced as every report. The same file again is the same answer, also when the item has ended since."""
    item = load(unit, command.hub, command.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {command.work_item_hash}.")
    number = item["attempt_number"] if command.attempt is None else command.attempt
    there = unit.read(_OF_ITEM, {"of_item": command.work_item_hash}).mappings().all()
    known = next((row for row in there if (row["attempt_number"], row["filename"]) == (number, command.filename)), None)
    if known is not None and known["digest"] == command.digest and command.beacon_id in (None, known["beacon_id"]):
        return _answer(known)
    judged = judge(unit, command, "")
    if isinstance(judged, Refused):
        return judged
    if known is None and len(there) >= MOST:
        return Refused("conflict", f"An item has at most {MOST} files.", {"WorkItemHash": command.work_item_hash})
    if not hold(unit, command.digest, command.size):
        return Refused("not_found", "There is no content of that digest; upload it.", {"Digest": command.digest})
    return _answer(_put(unit, item, command, known))


def _put(unit: Unit, item: Row, command: AttachArtifact, known: Row | None) -> Row:
    values: dict[str, Any] = {"digest": command.digest, "size": command.size, "content_type": command.content_type, "stored_at": unit.now}
    key = {"work_item_hash": item["work_item_hash"], "attempt_number": item["attempt_number"], "filename": command.filename}
    new = {**key, "hub": item["hub"], "run_id": item["run_id"], "beacon_id": item["assigned_beacon_id"], **values}
    if known is None:
        unit.add(artifact, new)
    else:
        let_go(unit, {known["digest"]: 1})
        unit.amend(artifact, tuple(key.values()), values)
    if item["status"] == "Stalled":
        unstall(unit, [item])
    update(unit, item, last_event_at=unit.now)
    told = {name: value for name, value in artifact_record(new).items() if name != "FilePath"}
    unit.announce(Event("queue", "queue.artifact", {"RunID": item["run_id"], **told}))
    return new


def _answer(row: Row) -> Done:
    return Done({"Success": True, **artifact_record(row)})
