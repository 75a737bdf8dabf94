"""Give a waiting item another priority."""

from __future__ import annotations

from schema.hub.board_commands import PrioritizeWork
from schema.hub.rules.lifecycle import QUEUED
from schema.hub.rules.ranking import Place, prioritized
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.items import load, record, update
from tasks.unit import Unit


def prioritize(command: PrioritizeWork, unit: Unit) -> Outcome:
    """Move the item to where it would stand if it had always had the priority. What does not wait has no place to move from."""
    item = load(unit, command.hub, command.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {command.work_item_hash}.")
    if item["status"] not in QUEUED:
        told = {"Success": False, "WorkItemHash": item["work_item_hash"], "Status": item["status"]}
        return Refused("conflict", f"The item is {item['status']}, not queued.", told)
    place = prioritized(Place(item["rank"], item["priority"]), command.priority)
    answer = {"Success": True, "WorkItemHash": item["work_item_hash"], "Status": item["status"]}
    if place.priority != item["priority"]:
        seq = item["seq"] + 1
        update(unit, item, priority=place.priority, rank=place.rank, seq=seq)
        told = {"Priority": place.priority, "OldPriority": item["priority"], "NewPriority": place.priority}
        record(unit, item, seq, "reordered", item["status"], item["status"], told)
        unit.at_end(dispatch, item["hub"])
    return Done(answer | {"OldPriority": item["priority"], "NewPriority": place.priority})
