"""Values as people read them. `static/js/format.js` says the same of what comes later; a browser test holds the two together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.preview import line, preview

Record = Mapping[str, Any]

#: Statuses whose wire name is not what one would say.
LABELS = {"RetryScheduled": "Retry", "InProgress": "In progress"}
#: Letters of a hash that tell items apart for the eye; the whole is in the details.
HASH_LETTERS = 8
_BEACON_ID = re.compile(r"bcn-(.+)-\d+-[0-9a-f]+")
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def span(milliseconds: float | None) -> str:
    """A duration in two units at most.

    >>> [span(ms) for ms in (0, 340, 4_240, 42_300, 192_000, 18_600_000, 273_600_000)]
    ['0 ms', '340 ms', '4.2 s', '42 s', '3 m 12 s', '5 h 10 m', '3 d 4 h']
    """
    if milliseconds is None:
        return ""
    ms = max(0, int(milliseconds))
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 10_000:
        return f"{ms // 100 / 10:.1f} s"
    if ms < _MINUTE:
        return f"{ms // 1_000} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} m {ms % _MINUTE // 1_000} s"
    if ms < _DAY:
        return f"{ms // _HOUR} h {ms % _HOUR // _MINUTE} m"
    return f"{ms // _DAY} d {ms % _DAY // _HOUR} h"


def age(milliseconds: float | None) -> str:
    """How long ago, in one unit.

    >>> [age(ms) for ms in (None, 200, 59_999, 60_000, 7_200_000, 172_800_000)]
    ['', 'now', '59 s', '1 m', '2 h', '2 d']
    """
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return "now"
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE), ("s", 1_000)):
        if milliseconds >= length:
            return f"{int(milliseconds // length)} {unit}"
    return "now"


def count(number: int) -> str:
    """A count in groups of three.

    >>> count(1234567)
    '1 234 567'
    """
    return f"{number:,}".replace(",", " ")


def letters(number: int, most: int) -> str:
    """How many dead letters, of which no more than `most` were counted.

    >>> letters(1, 100), letters(2, 100), letters(100, 100)
    ('1 dead letter', '2 dead letters', '100+ dead letters')
    """
    return f"{number}{'+' if number >= most else ''} dead letter{'' if number == 1 else 's'}"


def item(record: Record, names: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """One line of the list of items."""
    holder = record["AssignedBeaconID"]
    return {
        "hash": record["WorkItemHash"],
        "short": record["WorkItemHash"][-HASH_LETTERS:],
        "status": record["Status"],
        "label": LABELS.get(record["Status"], record["Status"]),
        "capability": record["Capability"],
        "action": record["Action"],
        "preview": preview(record["Settings"]),
        "note": note(record),
        "beacon": beacon_name(holder, names),
        "attempt": attempt(record),
        "wait": span(wait_ms(record, now)),
        "took": span(took_ms(record, now)),
        "age": age(_between(record["EnqueuedAt"], now)),
        "enqueued_at": record["EnqueuedAt"],
    }


def beacon_name(beacon_id: str | None, names: Mapping[str, str]) -> str:
    """What the beacon is called; for one that has left, what its id tells of it.

    >>> beacon_name("bcn-north-2-1795175007625-c65f8d", {}), beacon_name("b-1", {"b-1": "atlas"}), beacon_name("odd", {}), beacon_name(None, {})
    ('north-2', 'atlas', 'odd', '')
    """
    if not beacon_id:
        return ""
    made_of = _BEACON_ID.fullmatch(beacon_id)
    return names.get(beacon_id) or (made_of[1] if made_of else beacon_id)


def note(record: Record) -> str:
    """What is not well about an item: its error, or the exit code of a command that ended with one."""
    if record["Status"] in ("Error", "RetryScheduled"):
        return line(record["LastError"] or "")
    if record["Status"] == "Canceled":
        return line(record["CancelReason"] or "")
    code = ((record["Result"] or {}).get("Outputs") or {}).get("ExitCode")
    return f"exit code {code}" if code else ""


def attempt(record: Record) -> str:
    """The attempt's number, with the limit where there is more than one."""
    if not record["AttemptNumber"]:
        return ""
    return f"{record['AttemptNumber']}/{record['MaxAttempts']}" if record["MaxAttempts"] > 1 else str(record["AttemptNumber"])


def wait_ms(record: Record, now: datetime) -> float | None:
    """How long the item waited for its beacon, or has waited so far."""
    if record["DispatchedAt"]:
        return float(record["QueueWaitMs"])
    return _between(record["EnqueuedAt"], record["CanceledAt"] or now)


def took_ms(record: Record, now: datetime) -> float | None:
    """How long the last attempt took, or has taken so far. None for what does not run."""
    ended = record["CompletedAt"] or record["CanceledAt"]
    if not record["DispatchedAt"] or (not ended and record["Status"] not in HELD):
        return None
    return _between(record["DispatchedAt"], ended or now)


def contact(record: Record, now: datetime) -> str:
    """A beacon's last contact. One that counts as there is in contact by definition, so its figure need not run."""
    if record["Status"] != "Offline":
        return "in contact"
    silent = age(_between(record["LastHeartbeat"], now))
    return f"{silent} ago" if silent and silent != "now" else silent


def _between(start: str | None, end: str | datetime | None) -> float | None:
    if start is None or end is None:
        return None
    until = datetime.fromisoformat(end) if isinstance(end, str) else end
    return max(0.0, (until - datetime.fromisoformat(start)).total_seconds() * 1000)
