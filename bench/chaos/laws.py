"""The laws that hold after a drill, whatever was killed in it. Each yields its breaches, one sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from bench.chaos import history
from bench.chaos.evidence import Evidence, of_json
from schema.hub.rules.lifecycle import FINAL


def accepted_is_stored(evidence: Evidence) -> Iterator[str]:
    """Each item that a client was promised is there, and is the one under its key."""
    for answer in evidence.ledger.answers:
        if evidence.hashes.get(answer.key) != [answer.work_item_hash]:
            yield f"{answer.key}: promised {answer.work_item_hash}, stored {evidence.hashes.get(answer.key)}"


def one_item_for_each_key(evidence: Evidence) -> Iterator[str]:
    """No key has two items, and no item came from nowhere."""
    answered = Counter(answer.key for answer in evidence.ledger.answers)
    for key, hashes in evidence.hashes.items():
        if len(hashes) != 1 or answered[key] != 1:
            yield f"{key}: {len(hashes)} items, answered {answered[key]} times"


def refused_is_not_stored(evidence: Evidence) -> Iterator[str]:
    """Where a client was told that nothing was accepted, and left it at that, nothing was."""
    for key in evidence.ledger.refused:
        if key in evidence.hashes:
            yield f"{key}: refused, yet stored as {evidence.hashes[key]}"


def answers_keep_the_contract(evidence: Evidence) -> Iterator[str]:
    """Every answer was 200 with the item, or 503, or silence."""
    yield from evidence.ledger.strange


def every_item_has_ended(evidence: Evidence) -> Iterator[str]:
    """Nothing is left undone."""
    for work_item_hash, item in evidence.items.items():
        if item["status"] not in FINAL:
            yield f"{work_item_hash}: {item['status']}, attempt {item['attempt_number']} at {item['assigned_beacon_id']}, due {item['due_at']}"


def results_are_their_own(evidence: Evidence) -> Iterator[str]:
    """A completed item was really done, and holds the result of its own work."""
    for key, hashes in evidence.hashes.items():
        for item in (evidence.items[work_item_hash] for work_item_hash in hashes if evidence.items[work_item_hash]["status"] == "Complete"):
            result = of_json(item["result"]) or {}
            if result.get("Outputs", {}).get("Key") != key or not evidence.executions[key]:
                yield f"{key}: executed {evidence.executions[key]} times, result {result}"


def tally_is_right(evidence: Evidence) -> Iterator[str]:
    """The kept counts equal the counted items."""
    columns = ("hub", "capability", "action", "status")
    counted = Counter(tuple(item[column] for column in columns) for item in evidence.items.values())
    kept = {tuple(row[column] for column in columns): int(row["items"]) for row in evidence.tally if row["items"]}
    for key in counted.keys() | kept.keys():
        if counted[key] != kept.get(key, 0):
            yield f"{'/'.join(key)}: counted {counted[key]}, kept {kept.get(key, 0)}"


def nothing_is_left_behind(evidence: Evidence) -> Iterator[str]:
    """No outbox row, no order, no dead letter."""
    for table, number in evidence.left.items():
        if number:
            yield f"{table}: {number} rows"


def receipts_match_items(evidence: Evidence) -> Iterator[str]:
    """Each item has one receipt, which names it."""
    named = Counter(str(of_json(receipt["outcome"])[1].get("WorkItemHash")) for receipt in evidence.receipts)
    for work_item_hash in evidence.items.keys() | named.keys():
        if named[work_item_hash] != 1 or work_item_hash not in evidence.items:
            yield f"{work_item_hash}: {named[work_item_hash]} receipts, {'stored' if work_item_hash in evidence.items else 'not stored'}"


def runs_match_items(evidence: Evidence) -> Iterator[str]:
    """Each item has the run that was opened for it, and no run is without an item."""
    wanted = Counter(item["run_id"] for item in evidence.items.values())
    for run_id in wanted.keys() | evidence.runs:
        if wanted[run_id] != 1 or run_id not in evidence.runs:
            yield f"{run_id}: {wanted[run_id]} items, {'stored' if run_id in evidence.runs else 'not stored'}"


def events_are_unique(evidence: Evidence) -> Iterator[str]:
    """No EventGUID stands twice, and no event or attempt is without its item."""
    guids = Counter(event["event_guid"] for events in evidence.events.values() for event in events)
    yield from (f"{guid}: {number} times" for guid, number in guids.items() if number > 1)
    for work_item_hash in (evidence.events.keys() | evidence.attempts.keys()) - evidence.items.keys():
        if evidence.events[work_item_hash] or evidence.attempts[work_item_hash]:
            yield f"{work_item_hash}: events or attempts of no item"


def database_is_whole(evidence: Evidence) -> Iterator[str]:
    """SQLite's own check of the file."""
    if evidence.integrity not in ([], ["ok"]):
        yield from evidence.integrity


LAWS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    accepted_is_stored,
    one_item_for_each_key,
    refused_is_not_stored,
    answers_keep_the_contract,
    every_item_has_ended,
    results_are_their_own,
    history.numbered_without_gap,
    history.legal_walk,
    history.ends_once,
    history.attempts_counted,
    history.attempts_ended,
    history.completed_once,
    tally_is_right,
    nothing_is_left_behind,
    receipts_match_items,
    runs_match_items,
    events_are_unique,
    database_is_whole,
)


def breaches(evidence: Evidence) -> dict[str, list[str]]:
    """What each broken law says; empty when all hold."""
    found = {law.__name__: list(law(evidence)) for law in LAWS}
    return {name: sentences for name, sentences in found.items() if sentences}
