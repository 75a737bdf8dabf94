"""The hub's safe methods. Lists are bare arrays, as clients expect them; the way to the next page is in the headers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response

from app.answers import Blueprint, page_of, refuse
from app.broker import broker
from app.hub import contact, questions
from app.hub.here import hub_id
from app.hub.pages import EventsQuery, ItemsQuery, QueueQuery
from app.paging import PageWire
from schema.hub.rules.lifecycle import BUCKETS
from schema.hub.wire import beacon_record, work_attempt_record, work_event_record, work_item_record

hub = Blueprint("hub", __name__, description="Beacons, work and the queue, as they are.")

Query = dict[str, Any]


@hub.route("/status")
def status() -> dict[str, Any]:
    """That the hub runs, and how it lets callers in."""
    return {
        "Status": "Running",
        "ScheduleEntries": 0,
        "ScheduleRunning": False,
        "AuthEnabled": False,
        "AuthMode": "promiscuous",
        "SupportsUserManagement": False,
        "HubInstanceID": hub_id(),
    }


@hub.route("/Beacon")
@hub.arguments(PageWire, location="query")
def beacons(query: Query) -> Response:
    """Every registered beacon."""
    rows = questions.beacons(hub_id(), query["limit"] + 1, query["after"])
    records = records_of(rows)
    return page_of(records, query["limit"], lambda record: record["BeaconID"], lambda record: record)


@hub.route("/Beacon/<beacon_id>")
def beacon(beacon_id: str) -> dict[str, Any]:
    """One beacon."""
    row = questions.beacon_by_id(hub_id(), beacon_id)
    if row is None:
        refuse("not_found", f"There is no beacon {beacon_id}.")
    return records_of([row])[0]


def records_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Beacons with what they hold, and with their last contact from the broker where it answers."""
    ids = [row["beacon_id"] for row in rows]
    held = questions.held_by(hub_id(), ids) if ids else {}
    contacts = contact.last_contacts(broker().quick, hub_id(), ids)
    return [beacon_record(row, held.get(row["beacon_id"], []), _moment(contacts.get(row["beacon_id"]))) for row in rows]


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


@hub.route("/Beacon/Work")
@hub.arguments(ItemsQuery, location="query")
def work(query: Query) -> Response:
    """Items that have not ended, oldest first; `status` asks for those of one state."""
    statuses = [query["status"]] if query["status"] else questions.LIVE
    rows = questions.items(hub_id(), statuses, query["limit"] + 1, query["after"])
    return page_of(rows, query["limit"], lambda row: row["ticket"], work_item_record)


@hub.route("/Beacon/Work/<work_item_hash>")
def work_item(work_item_hash: str) -> dict[str, Any]:
    """One item."""
    return work_item_record(_item(work_item_hash))


@hub.route("/Beacon/Work/<work_item_hash>/Events")
@hub.arguments(EventsQuery, location="query")
def events(query: Query, work_item_hash: str) -> dict[str, Any]:
    """An item's history, in order."""
    rows = questions.events_of(work_item_hash, query["limit"], query["after"])
    if not rows:
        _item(work_item_hash)
    return {"WorkItemHash": work_item_hash, "Events": [work_event_record(row) for row in rows]}


@hub.route("/Beacon/Work/<work_item_hash>/Attempts")
def attempts(work_item_hash: str) -> dict[str, Any]:
    """An item's attempts, superseded ones with what they brought."""
    rows = questions.attempts_of(work_item_hash)
    if not rows:
        _item(work_item_hash)
    return {"WorkItemHash": work_item_hash, "Attempts": [work_attempt_record(row) for row in rows]}


def _item(work_item_hash: str) -> Any:
    row = questions.item_by_hash(hub_id(), work_item_hash)
    if row is None:
        refuse("not_found", f"There is no work item {work_item_hash}.")
    return row


@hub.route("/Beacon/Queue")
@hub.arguments(QueueQuery, location="query")
def queue(query: Query) -> dict[str, Any]:
    """How many items stand where, and the newest of them; `bucket` narrows the list, `include=history` adds what has ended."""
    statuses = [status for status, bucket in BUCKETS.items() if query["bucket"] in ("", bucket)]
    listed = questions.items(hub_id(), statuses, query["limit"], query["after"], newest_first=True)
    summary = questions.summary(hub_id())
    history = questions.items(hub_id(), questions.ENDED, query["limit"], None, newest_first=True) if query["include"] == "history" else None
    return {
        "Summary": summary["Buckets"] | {"ByCapability": summary["ByCapability"]},
        "Items": [work_item_record(row) for row in listed],
        "History": None if history is None else [work_item_record(row) for row in history],
    }
