"""Move a waiting item past its neighbour."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.commands import ReorderWork
from schema.hub.rules.ranking import Place, moved
from schema.hub.tables import work_item
from schema.outcome import Done, Outcome, Refused
from tasks.hub.dispatch import dispatch
from tasks.hub.items import load, record, update
from tasks.rows import Row
from tasks.unit import Unit


def reorder(command: ReorderWork, unit: Unit) -> Outcome:
    """Give the item its neighbour's priority and one, up or down, and the place beside it."""
    item = load(unit, command.hub, command.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {command.work_item_hash}.")
    told = {"Success": False, "Reordered": False, "WorkItemHash": item["work_item_hash"], "Status": item["status"]}
    if item["status"] != "Pending":
        return Refused("conflict", f"The item is {item['status']}, not queued.", told)
    neighbour = _neighbour(unit, item, command.direction)
    place = None if neighbour is None else moved(command.direction, Place(neighbour.rank, neighbour.priority))
    if place is None:
        return Refused("conflict", f"There is nobody to pass on the way {command.direction}.", told)
    _move(unit, item, command.direction, place)
    answer = {"Success": True, "Reordered": True, "WorkItemHash": item["work_item_hash"]}
    return Done(answer | {"OldPriority": item["priority"], "NewPriority": place.priority})


def _move(unit: Unit, item: Row, direction: str, place: Place) -> None:
    seq = item["seq"] + 1
    update(unit, item, priority=place.priority, rank=place.rank, seq=seq)
    told = {"Priority": place.priority, "Direction": direction, "OldPriority": item["priority"], "NewPriority": place.priority}
    record(unit, item, seq, "reordered", item["status"], item["status"], told)
    unit.at_end(dispatch, item["hub"])


def _neighbour(unit: Unit, item: Row, direction: str) -> sa.Row[tuple[int, int]] | None:
    """Who stands directly before or after it among all that wait."""
    c, up = work_item.c, direction == "up"
    tie = c.ticket < item["ticket"] if up else c.ticket > item["ticket"]
    beyond = c.rank < item["rank"] if up else c.rank > item["rank"]
    order = (c.rank.desc(), c.ticket.desc()) if up else (c.rank, c.ticket)
    waiting = sa.and_(c.hub == item["hub"], c.status == sa.literal_column("'Pending'"))
    where = sa.and_(waiting, sa.or_(beyond, sa.and_(c.rank == item["rank"], tie)))
    return unit.read(sa.select(c.rank, c.priority).where(where).order_by(*order).limit(1)).one_or_none()
