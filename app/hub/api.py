"""The hub's safe methods. Lists are bare arrays, as clients expect them; the way to the next page is in the headers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response

from app.answers import Blueprint, page_of, refuse, shown
from app.broker import broker
from app.hub import catalog, contact, listing, questions, standing, waiting
from app.hub.here import hub_id
from app.hub.pages import ActionsQuery, EventsQuery, ItemsQuery, QueueQuery
from app.paging import PageWire, continued
from schema.hub.rules.lifecycle import BUCKETS
from schema.hub.wire import affinity_record, beacon_record, work_attempt_record, work_event_record

hub = Blueprint("hub", __name__, description="Beacons, work and the queue, as they are.")

Query = dict[str, Any]


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
    rows = listing.items(hub_id(), statuses, query["limit"] + 1, query["after"])
    response = shown(standing.shown(hub_id(), rows[: query["limit"]]))
    return continued(response, rows, query["limit"], lambda row: row["ticket"])


@hub.route("/Beacon/Work/<work_item_hash>")
def work_item(work_item_hash: str) -> dict[str, Any]:
    """One item."""
    row = listing.item(hub_id(), work_item_hash)
    if row is None:
        refuse("not_found", f"There is no work item {work_item_hash}.")
    return standing.shown(hub_id(), [row])[0]


@hub.route("/Beacon/Work/<work_item_hash>/Health")
def health(work_item_hash: str) -> dict[str, Any]:
    """How an item is doing, and what that is made of."""
    return standing.health_record(hub_id(), _item(work_item_hash))


@hub.route("/Beacon/Work/<work_item_hash>/Why")
def why(work_item_hash: str) -> dict[str, Any]:
    """Why an item is where it is: the facts that keep it waiting, each with its numbers and what to do."""
    return waiting.why_record(hub_id(), _item(work_item_hash))


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
def queue(query: Query) -> Response:
    """How many items stand where, and the newest of them; `bucket` narrows the list, `include=history` adds what has ended."""
    limit = query["limit"]
    statuses = [status for status, bucket in BUCKETS.items() if query["bucket"] in ("", bucket)]
    listed = listing.items(hub_id(), statuses, limit + 1, query["after"], newest_first=True)
    ended = listing.items(hub_id(), questions.ENDED, limit, None, newest_first=True) if query["include"] == "history" else None
    records = standing.shown(hub_id(), [*listed[:limit], *(ended or ())])
    summary = questions.summary(hub_id())
    told = {
        "Summary": summary["Buckets"] | {"ByCapability": summary["ByCapability"]},
        "Items": records[: len(listed[:limit])],
        "History": None if ended is None else records[len(listed[:limit]) :],
    }
    return continued(shown(told), listed, limit, lambda row: row["ticket"])


@hub.route("/Beacon/Affinity")
@hub.arguments(PageWire, location="query")
def affinities(query: Query) -> Response:
    """Which beacon each affinity key means: the one that took the first item with it."""
    rows = questions.affinities(hub_id(), query["limit"] + 1, query["after"])
    return page_of(rows, query["limit"], lambda row: row["id"], affinity_record)


@hub.route("/Beacon/Capabilities")
def capabilities() -> dict[str, Any]:
    """What the registered beacons can do, all together."""
    rows = questions.abilities(hub_id())
    names = sorted({capability for row in rows for capability in row["capabilities"]})
    return {"Capabilities": names, "BeaconCount": len(rows), "ActionCatalog": catalog.actions_of(rows)}


@hub.route("/Beacon/Actions")
@hub.arguments(ActionsQuery, location="query")
def actions(query: Query) -> dict[str, Any]:
    """The catalog of actions: as described last, and who takes them."""
    wanted = query["Capability"]
    return {"Actions": [action for action in catalog.actions_of(questions.abilities(hub_id())) if wanted in ("", action["Capability"])]}
