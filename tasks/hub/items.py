"""The one way in which a work item changes: row, event, announcement, always together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from schema import envelope as keys
from schema.base import Event
from schema.hub import frames
from schema.hub.board_commands import CancelBatch, PrioritizeBatch, PrioritizeWork, RequeueBatch
from schema.hub.commands import CancelWork, CompleteBatch, ProgressBatch, ReorderWork, Report, RequeueWork
from schema.hub.rules.lifecycle import FINAL, next_status
from schema.hub.tables import work_attempt, work_event, work_item
from schema.sql import to_wire
from tasks.hub import places
from tasks.hub.tally import count
from tasks.rows import Row
from tasks.unit import Unit

#: Commands that name one item, and those that name many.
Named = Report | CancelWork | PrioritizeWork | ReorderWork | RequeueWork
NamedMany = CompleteBatch | ProgressBatch | CancelBatch | PrioritizeBatch | RequeueBatch


def foresee(commands: Sequence[Named | NamedMany], unit: Unit) -> None:
    """Read the items that a batch of commands names, all with one statement."""
    named: list[tuple[str]] = []
    for command in commands:
        if isinstance(command, (CompleteBatch, ProgressBatch)):
            named += [(row["work_item_hash"],) for row in command.items]
        elif isinstance(command, (CancelBatch, PrioritizeBatch, RequeueBatch)):
            named += [(hash,) for hash in command.hashes]
        else:
            named.append((command.work_item_hash,))
    unit.fetch(work_item, named)


def load(unit: Unit, hub: str, work_item_hash: str) -> Row | None:
    """The item as this unit has left it, None when this hub has none of that hash."""
    item = unit.find(work_item, (work_item_hash,))
    return item if item is not None and item["hub"] == hub else None


def update(unit: Unit, item: Row, **values: Any) -> None:
    """Change columns of an item without a happening."""
    unit.amend(work_item, (item["work_item_hash"],), values)


def happen(unit: Unit, item: Row, happening: str, kind: str, payload: dict[str, Any], beacon_id: str = "", **values: Any) -> str:
    """Let something happen to an item: its next status, its next event, and the announcement `queue.<kind>`. Returns the status.

    With its state changes the place where it waits, and what it holds: a permit goes back when it ends or pauses.
    """
    status = next_status(item["status"], happening)
    seq = item["seq"] + 1
    after = {**item, **values, "status": status, "seq": seq, "last_event_at": unit.now}
    values |= places.moved(unit, item, after)
    update(unit, item, status=status, seq=seq, last_event_at=unit.now, **values)
    record(unit, item, seq, kind, item["status"], status, payload, beacon_id)
    if status in FINAL:
        unit.tell("hub.work_ended", after)
        if item["awaited"]:
            _hand_over(unit, after)
    return status


def _hand_over(unit: Unit, item: Row) -> None:
    """Tell the one who waits for the item how it has ended."""
    told = {"Status": item["status"], "Result": item["result"], "LastError": item["last_error"], "CancelReason": item["cancel_reason"]}
    if item["streamed"]:
        unit.stream(item["work_item_hash"], frames.END + orjson.dumps(told), must=True)
    else:
        unit.answer(keys.ended(item["work_item_hash"]), orjson.dumps(told))


def record(unit: Unit, item: Any, seq: int, kind: str, before: str, after: str, payload: dict[str, Any], beacon_id: str = "") -> None:
    """Append an event to the item's history and announce it under the same EventGUID."""
    if before != after:
        count(unit, item, before, after)
    told: dict[str, Any] = {"WorkItemHash": item["work_item_hash"], "RunID": item["run_id"]}
    if beacon_id:
        told["BeaconID"] = beacon_id
    guid = unit.announce(Event("queue", f"queue.{kind}", told | payload | {"Status": after}))
    unit.add(
        work_event,
        {
            "work_item_hash": item["work_item_hash"],
            "seq": seq,
            "event_guid": guid,
            "hub": item["hub"],
            "run_id": item["run_id"],
            "event_type": kind,
            "from_status": before,
            "to_status": after,
            "beacon_id": beacon_id,
            "payload": payload,
            "emitted_at": unit.now,
        },
    )


def end_attempt(unit: Unit, item: Row, outcome: str, error: str = "", outputs: Any = None, log: Any = None) -> None:
    """Close the item's current attempt."""
    close_attempt(unit, item["work_item_hash"], item["attempt_number"], outcome=outcome, ended_at=unit.now, error=error, outputs=outputs, log=log)


def close_attempt(unit: Unit, work_item_hash: str, attempt: int, **values: Any) -> None:
    """Change columns of one attempt."""
    unit.amend(work_attempt, (work_item_hash, attempt), values)


def duration_ms(unit: Unit, item: Row) -> int:
    """Milliseconds since the current attempt was dispatched."""
    return int((unit.now - item["dispatched_at"]).total_seconds() * 1000)


def moment(unit: Unit) -> str:
    """The unit's time as events tell it."""
    return str(to_wire(unit.now))
