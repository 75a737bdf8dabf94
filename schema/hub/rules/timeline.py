"""The timeline's arithmetic: moments, buckets that begin at whole multiples of their length, and buckets that stand out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

#: Seconds of a bucket for ranges up to so many seconds; longer ones get the last. 0 is raw: every event by itself.
AUTO = ((300, 0), (3_600, 5), (86_400, 60))
LONGEST = 300

#: How many in one bucket stand out, by the title of the event.
THRESHOLDS = {"Failed": 5, "Stalled": 3, "Admission.Denied": 1}
#: The highest score: from four times the threshold on it does not matter how many.
HIGHEST = 4

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,9})([smhd]))?")
_BUCKET = re.compile(r"(\d{1,9})([smh])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(text: str, now: datetime) -> datetime:
    """A moment as the query says it: ISO-8601, or `now-5m`. Raises ValueError.

    >>> moment_of("now-90s", datetime(2025, 1, 1, 12, tzinfo=UTC)).isoformat()
    '2025-01-01T11:58:30+00:00'
    """
    found = _RELATIVE.fullmatch(text.strip().replace(" ", "+"))
    if found is None:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    sign, number, unit = found.groups()
    if sign is None:
        return now
    try:
        away = timedelta(seconds=int(number) * _UNITS[unit])
        return now - away if sign == "-" else now + away
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar") from error


def bucket_seconds(text: str, range_seconds: float) -> int:
    """The length of a bucket: `raw` is 0, `auto` follows the range. Raises ValueError.

    >>> [bucket_seconds("auto", seconds) for seconds in (60, 600, 7200, 100_000)], bucket_seconds("5m", 1)
    ([0, 5, 60, 300], 300)
    """
    if text == "raw":
        return 0
    if text == "auto":
        return next((seconds for limit, seconds in AUTO if range_seconds < limit), LONGEST)
    found = _BUCKET.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no bucket: auto, raw, or a number with s, m or h")
    return int(found[1]) * _UNITS[found[2]]


def aligned(moment: datetime, seconds: int) -> datetime:
    """The beginning of the bucket of a moment.

    >>> aligned(datetime(2025, 1, 1, 0, 7, 31, tzinfo=UTC), 300).isoformat()
    '2025-01-01T00:05:00+00:00'
    """
    whole = (moment - _EPOCH) // timedelta(seconds=1)
    return _EPOCH + timedelta(seconds=whole // seconds * seconds)


@lru_cache(maxsize=256)
def title_of(kind: str) -> str:
    """An event's kind as the timeline calls it: what follows the topic, in title case.

    >>> [title_of(kind) for kind in ("queue.enqueued", "observer.admission.denied", "queue.retry_scheduled")]
    ['Enqueued', 'Admission.Denied', 'RetryScheduled']
    """
    return ".".join("".join(word[:1].upper() + word[1:] for word in part.split("_")) for part in kind.split(".")[1:])


def buckets_of(records: Iterable[Mapping[str, Any]], seconds: int) -> list[dict[str, Any]]:
    """Counts of records by their moment `At`; buckets without any are left out."""
    found: dict[datetime, dict[str, Any]] = {}
    for record in records:
        at = aligned(record["At"], seconds)
        bucket = found.setdefault(at, {"At": at, "DurationMs": seconds * 1000, "Count": 0, "ByEventType": {}, "ByCapability": {}, "ByStatus": {}})
        bucket["Count"] += 1
        for name in ("EventType", "Capability", "Status"):
            counts, value = bucket[f"By{name}"], record[name]
            counts[value] = counts.get(value, 0) + 1
    return [found[at] for at in sorted(found)]


def anomalies_of(buckets: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Buckets with more of a kind than its threshold, each with how far above it is."""
    return [
        {
            "At": bucket["At"],
            "DurationMs": bucket["DurationMs"],
            "EventType": kind,
            "Observed": bucket["ByEventType"][kind],
            "Baseline": threshold,
            "Score": round(min(HIGHEST, bucket["ByEventType"][kind] / threshold), 4),
        }
        for bucket in buckets
        for kind, threshold in THRESHOLDS.items()
        if bucket["ByEventType"].get(kind, 0) >= threshold
    ]
