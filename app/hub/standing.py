"""How items are doing, looked up for a whole page at once: their health, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.broker import broker
from app.hub import contact, questions
from schema.hub.rules.forecast import percentile
from schema.hub.rules.health import FORMULAS, Signs, health_of, is_unknown, scores_of
from schema.hub.rules.lifecycle import HELD, QUEUED
from schema.hub.rules.presence import heartbeat_ms
from schema.hub.wire import work_item_record

Row = Mapping[Any, Any]
Action = tuple[str, str]

#: Past waits of an action that say enough, where its defaults do not name a number.
SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Background:
    """What the items of a page are judged by: what their like waited, how often they should be heard of, and their holders' contact."""

    now: datetime
    expected_waits: Mapping[Action, int]
    heartbeats: Mapping[Action, int]
    holders: Mapping[str, tuple[int, datetime]]

    def signs_of(self, row: Row) -> Signs:
        """What is known of one item."""
        status, action = row["status"], (row["capability"], row["action"])
        tries = row["attempt_number"] - row["losses"]
        if status in QUEUED:
            waited = self._ago(_moment(row["ready_at"] or row["enqueued_at"]))
            return Signs(status, tries, row["max_attempts"], waited_ms=waited, expected_wait_ms=self.expected_waits.get(action))
        if status not in HELD:
            return Signs(status, tries, row["max_attempts"])
        begun, said = _moment(row["dispatched_at"]), _moment(row["last_event_at"] or row["dispatched_at"])
        promised, heard = self.holders.get(row["assigned_beacon_id"], (0, said))
        return Signs(
            status,
            tries,
            row["max_attempts"],
            timeout_ms=row["timeout_ms"],
            heartbeat_ms=self.heartbeats.get(action) or promised,
            running_ms=self._ago(begun),
            silent_ms=self._ago(max(said, heard)),
            reported=said > begun,
        )

    def _ago(self, moment: datetime) -> int:
        return max(0, int((self.now - moment).total_seconds() * 1000))


def _moment(value: datetime | str) -> datetime:
    """Lists read times as the wire says them."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def shown(hub: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Items as lists show them, each with its health."""
    background = background_of(hub, rows)
    return [work_item_record(row, health_of(background.signs_of(row))) for row in rows]


def background_of(hub: str, rows: Sequence[Row]) -> Background:
    """Two questions for waiting items, two for running ones, none for those that have ended."""
    queued = any(row["status"] in QUEUED for row in rows)
    holders = {row["assigned_beacon_id"] for row in rows if row["status"] in HELD}
    said = questions.action_baselines(hub) if queued or holders else []
    waits = _expected_waits(questions.recent_waits(hub), said) if queued else {}
    beats = {(row["capability"], row["action"]): row["heartbeat_expected_ms"] for row in said if row["heartbeat_expected_ms"]}
    return Background(datetime.now(UTC), waits, beats, _holders(hub, sorted(holders)) if holders else {})


def _expected_waits(recent: Sequence[Row], said: Sequence[Row]) -> dict[Action, int]:
    """What the operator has said, else the 95th percentile of what was seen, where enough was."""
    waits: dict[Action, list[int]] = {}
    for row in recent:
        waits.setdefault((row["capability"], row["action"]), []).append(row["queue_wait_ms"])
    least = {(row["capability"], row["action"]): row["min_samples_for_baseline"] for row in said}
    found = {action: int(percentile(seen, 0.95)) for action, seen in waits.items() if len(seen) >= (least.get(action) or SAMPLES)}
    return found | {(row["capability"], row["action"]): row["expected_wait_p95_ms"] for row in said if row["expected_wait_p95_ms"]}


def _holders(hub: str, ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """How often each promised to make contact, and when it last did."""
    contacts = contact.last_contacts(broker().quick, hub, ids)
    found = {}
    for row in questions.beacons_of(hub, ids):
        at = contacts.get(row["beacon_id"], 0)
        heard = max(row["last_contact_at"], datetime.fromtimestamp(at / 1000, UTC))
        found[row["beacon_id"]] = (heartbeat_ms(row["presence_ms"]), heard)
    return found


def health_record(hub: str, row: Row) -> dict[str, Any]:
    """One item's health with each dimension: its score, its formula, and the numbers in it."""
    signs = background_of(hub, [row]).signs_of(row)
    health = health_of(signs)
    dimensions = [
        {
            "Name": name,
            "Score": round(min(1.0, max(0.0, score)), 4),
            "Formula": FORMULAS[name][0],
            "Numbers": {word: getattr(signs, sign) for word, sign in FORMULAS[name][1].items()},
        }
        for name, score in scores_of(signs)
    ]
    return {
        "WorkItemHash": row["work_item_hash"],
        "Status": row["status"],
        "Health": health.value,
        "HealthLabel": health.label,
        "HealthReason": health.reason,
        "Judged": not is_unknown(signs),
        "Dimensions": dimensions,
    }
