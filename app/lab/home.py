"""What the home page shows before any script runs: the state as of now, one question for each of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from app.broker import broker
from app.hub import contact, questions
from app.lab import shown
from app.lab.frame import MOST_LETTERS
from app.ledger.questions import letters
from schema.errors import UltravisorError
from schema.hub.rules.lifecycle import BUCKET_NAMES, BUCKETS
from schema.hub.wire import beacon_record, work_item_record

#: Items in the list.
NEWEST = 50
#: Beacons on the page; a fleet beyond it is read by the interface.
MOST_BEACONS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The page's parts. `trouble` says why the others are empty."""

    hub: str
    now: datetime
    bucket: str
    buckets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKET_NAMES, 0))
    capabilities: Sequence[dict[str, Any]] = ()
    beacons: Sequence[dict[str, Any]] = ()
    items: Sequence[dict[str, Any]] = ()
    dead_letters: int = 0
    trouble: UltravisorError | None = None

    @property
    def shells(self) -> list[str]:
        """Names of the beacons that would take a shell command now."""
        return [beacon["Name"] for beacon in self.beacons if "Shell" in beacon["Capabilities"] and beacon["Status"] != "Offline"]


def home(hub: str, bucket: str) -> Home:
    """The state, or the trouble that keeps it from being read: the page comes up either way and goes live by itself."""
    now = datetime.now(UTC)
    try:
        beacons = _beacons(hub)
        summary = questions.summary(hub)
        statuses = [status for status, name in BUCKETS.items() if bucket in ("", name)]
        rows = questions.items(hub, statuses, NEWEST, None, newest_first=True)
        dead = len(letters(MOST_LETTERS, None))
    except UltravisorError as trouble:
        return Home(hub=hub, now=now, bucket=bucket, trouble=trouble)
    names = {beacon["BeaconID"]: beacon["Name"] for beacon in beacons}
    return Home(
        hub=hub,
        now=now,
        bucket=bucket,
        buckets=summary["Buckets"],
        capabilities=summary["ByCapability"],
        beacons=[beacon | {"Contact": shown.contact(beacon, now)} for beacon in beacons],
        items=[shown.item(work_item_record(row), names, now) for row in rows],
        dead_letters=dead,
    )


def _beacons(hub: str) -> list[dict[str, Any]]:
    rows = questions.beacons(hub, MOST_BEACONS, None)
    ids = [row["beacon_id"] for row in rows]
    held = questions.held_by(hub, ids) if ids else {}
    contacts = _contacts(hub, ids)
    return [beacon_record(row, held.get(row["beacon_id"], []), contacts.get(row["beacon_id"])) for row in rows]


def _contacts(hub: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Last contacts; none while the broker is away, for then the rows still say something."""
    try:
        found = contact.last_contacts(broker().quick, hub, ids)
    except redis.RedisError:
        return {}
    return {id: datetime.fromtimestamp(at / 1000, UTC) for id, at in found.items()}
