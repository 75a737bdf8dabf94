"""Laws of one item: its history is a walk through the life cycle that ends once, and its attempts are counted without a gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from bench.chaos.evidence import Evidence, Row, of_json
from schema.hub.rules.lifecycle import FINAL, TRANSITIONS

#: What an event of the history is called -> the happening of the life cycle that it tells.
HAPPENINGS: dict[str, str] = {
    "dispatched": "dispatched",
    "completed": "completed",
    "retry_scheduled": "retried",
    "failed": "failed",
    "lost": "lost",
    "requeued": "due",
    "canceled": "canceled",
}
#: Told of an item without moving it.
REMARKS = frozenset({"superseded"})
ENDED = frozenset({"Complete", "Error", "Timeout", "Lost", "Canceled", "Superseded"})


def numbered_without_gap(evidence: Evidence) -> Iterator[str]:
    """Events are numbered 1..n, and the row knows the last number."""
    for work_item_hash, item in evidence.items.items():
        numbers = [event["seq"] for event in evidence.events[work_item_hash]]
        if numbers != list(range(1, len(numbers) + 1)) or item["seq"] != len(numbers):
            yield f"{work_item_hash}: events {numbers}, the row says {item['seq']}"


def legal_walk(evidence: Evidence) -> Iterator[str]:
    """Every event begins where the one before ended, and moves the item as the life cycle allows."""
    for work_item_hash in evidence.items:
        for fault in walk_faults(evidence.events[work_item_hash]):
            yield f"{work_item_hash}: {fault}"


def walk_faults(events: Sequence[Row]) -> Iterator[str]:
    """What is wrong with one history."""
    if not events or (events[0]["event_type"], events[0]["from_status"], events[0]["to_status"]) != ("enqueued", "", "Pending"):
        yield f"does not begin with enqueued: {events[:1]}"
        return
    for before, event in pairwise(events):
        kind, start, end = str(event["event_type"]), str(event["from_status"]), str(event["to_status"])
        if start != before["to_status"]:
            yield f"event {event['seq']} begins at {start}, the one before ended at {before['to_status']}"
        elif kind in REMARKS:
            if start != end:
                yield f"event {event['seq']} ({kind}) moves from {start} to {end}"
        elif TRANSITIONS.get((start, HAPPENINGS.get(kind, kind))) != end:
            yield f"event {event['seq']}: {kind} cannot move from {start} to {end}"


def ends_once(evidence: Evidence) -> Iterator[str]:
    """Exactly one event ends the item, and its row stands where the last event left it."""
    for work_item_hash, item in evidence.items.items():
        events = evidence.events[work_item_hash]
        ends = [event for event in events if event["to_status"] in FINAL and event["event_type"] not in REMARKS]
        if len(ends) != 1:
            yield f"{work_item_hash}: {len(ends)} terminal events, status {item['status']}, last {events[-1]['event_type'] if events else None}"
        elif events[-1]["to_status"] != item["status"]:
            yield f"{work_item_hash}: the row says {item['status']}, the history {events[-1]['to_status']}"


def attempts_counted(evidence: Evidence) -> Iterator[str]:
    """Attempts are numbered 1..n, the row knows n, and each began with a dispatched event of that number to that beacon."""
    for work_item_hash, item in evidence.items.items():
        attempts = [(attempt["attempt_number"], attempt["beacon_id"]) for attempt in evidence.attempts[work_item_hash]]
        begun = [(of_json(e["payload"])["AttemptNumber"], e["beacon_id"]) for e in evidence.events[work_item_hash] if e["event_type"] == "dispatched"]
        if attempts != begun or [number for number, _ in attempts] != list(range(1, item["attempt_number"] + 1)):
            yield f"{work_item_hash}: attempts {attempts}, dispatched {begun}, the row says {item['attempt_number']}"


def attempts_ended(evidence: Evidence) -> Iterator[str]:
    """Every attempt has an outcome, and an end that is not before its beginning."""
    for work_item_hash in evidence.items:
        for attempt in evidence.attempts[work_item_hash]:
            started, ended = attempt["started_at"], attempt["ended_at"]
            if attempt["outcome"] not in ENDED or ended is None or ended < started:
                yield f"{work_item_hash}: attempt {attempt['attempt_number']} is {attempt['outcome']}, {started} to {ended}"


def completed_once(evidence: Evidence) -> Iterator[str]:
    """A completed item has one Complete attempt, the last; any other item has none."""
    for work_item_hash, item in evidence.items.items():
        complete = [attempt["attempt_number"] for attempt in evidence.attempts[work_item_hash] if attempt["outcome"] == "Complete"]
        if complete != ([item["attempt_number"]] if item["status"] == "Complete" else []):
            yield f"{work_item_hash}: {item['status']} with attempt {item['attempt_number']}, Complete attempts {complete}"
