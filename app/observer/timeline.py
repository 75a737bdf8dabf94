"""Past, present and likely future (ultravisor-hub 9.3). Every answer reads a bounded number of rows: a longer past comes in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.answers import refuse
from app.hub import waiting
from app.hub.here import hub_id
from app.observer import questions, replay
from app.observer.snapshot import durations_by
from app.observer.waits import waited
from schema.cursor import cursor_of, position_of
from schema.hub.rules.forecast import forecast
from schema.hub.rules.timeline import THRESHOLDS, anomalies_of, bucket_seconds, buckets_of, moment_of, title_of
from schema.hub.rules.why import eligible
from schema.sql import to_wire

Row = Mapping[Any, Any]
Told = dict[str, Any]

#: Events that one answer reads; More tells that there are others.
MOST_EVENTS = 2_000
#: The same where only counts are wanted.
MOST_COUNTED = 5_000
#: Seconds of the longest buckets that come with their records.
FINE = 5
#: Items at work, and waiting ones, that one answer looks at.
MOST_HELD = 1_000
MOST_WAITING = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """The query, judged."""

    now: datetime
    begin: datetime
    end: datetime
    seconds: int
    capability: str
    run_hash: str
    after: tuple[datetime, str] | None

    def wants(self, row: Row) -> bool:
        return self.capability in ("", row["capability"]) and self.run_hash in ("", row["run_hash"])


def told(query: Mapping[str, Any]) -> Told:
    """The timeline; with `waitMs` once something has happened, or nothing has for so long."""
    if query["waitMs"]:
        since = replay.newest()
        waited(lambda: replay.after(since, 1), query["waitMs"])
    asked = _judged(query)
    counts = asked.seconds > FINE
    past, cursor, more = _past(asked, counts)
    return {
        "From": to_wire(asked.begin),
        "To": to_wire(asked.end),
        "Now": to_wire(asked.now),
        "Past": [] if counts else [_wired(record) for record in past],
        "Present": _present(asked),
        "Future": _future(asked, query["futureLimit"]) if asked.end > asked.now else [],
        "Buckets": [_wired(bucket) for bucket in buckets_of(past, asked.seconds)] if asked.seconds else [],
        "Cursor": cursor,
        "More": more,
    }


def anomalies(query: Mapping[str, Any]) -> Told:
    """Buckets in which more went wrong than is usual; `raw` makes no sense here and counts as a minute."""
    asked = _judged(query)
    past, cursor, more = _past(asked, counts=True)
    buckets = buckets_of(past, asked.seconds or 60)
    return {
        "From": to_wire(asked.begin),
        "To": to_wire(asked.end),
        "Now": to_wire(asked.now),
        "Mode": "static-threshold",
        "Thresholds": THRESHOLDS,
        "BucketCount": len(buckets),
        "Anomalies": [_wired(row) for row in anomalies_of(buckets)],
        "Cursor": cursor,
        "More": more,
    }


def _judged(query: Mapping[str, Any]) -> Asked:
    now = datetime.now(UTC)
    try:
        begin, end = moment_of(query["from_"], now), moment_of(query["to"], now)
        seconds = bucket_seconds(query["bucket"], (end - begin).total_seconds())
        at, guid = position_of(query["since"]) if query["since"] else (None, "")
        after = (datetime.fromisoformat(at), str(guid)) if at else None
    except (ValueError, TypeError) as error:
        refuse("bad_request", f"The range cannot be read: {error}.")
    if end < begin:
        refuse("bad_request", "The range ends before it begins.")
    return Asked(now, begin, end, seconds, query["capability"], query["runHash"], after)


def _past(asked: Asked, counts: bool) -> tuple[list[Told], str | None, bool]:
    """Records of the history, or what counts need of them; the cursor of the last event read; and whether there are more."""
    most = MOST_COUNTED if counts else MOST_EVENTS
    rows = questions.events_between(hub_id(), asked.begin, asked.end, asked.after, most + 1, brief=counts)
    read, more = rows[:most], len(rows) > most
    cursor = cursor_of([read[-1]["emitted_at"].isoformat(), read[-1]["event_guid"]]) if read else None
    form = _counted if counts else _record_of
    records = [form(row) for row in read if asked.wants(row)]
    if not asked.capability and not asked.run_hash:
        records += _of_beacons(asked.after[0] if asked.after else asked.begin, read[-1]["emitted_at"] if more else asked.end)
        records.sort(key=lambda record: record["At"])
    return records, cursor, more


def _counted(row: Row) -> Told:
    kind = title_of(f"queue.{row['event_type']}")
    return {"At": row["emitted_at"], "EventType": kind, "Capability": row["capability"], "Status": row["to_status"]}


def _of_beacons(begin: datetime, end: datetime) -> list[Told]:
    """What the stream of beacons still has of that time."""
    found = []
    for event in replay.kept("beacon"):
        at = datetime.fromisoformat(event["EmittedAt"]) if event["EmittedAt"] else None
        if at is not None and begin <= at < end:
            names = dict.fromkeys(("RunHash", "OperationHash", "WorkItemHash", "Capability", "Action"), "")
            of = {"BeaconID": event["Payload"].get("BeaconID"), "Status": event["Payload"].get("To", ""), "DurationMs": None}
            told = {"Phase": "Past", "EventGUID": event["EventGUID"], "At": at, "EndAt": at, "EventType": title_of(event["Topic"])}
            found.append(told | names | of | {"RawRefHash": event["Payload"].get("BeaconID")})
    return found


def _record_of(row: Row) -> Told:
    return {
        "Phase": "Past",
        "EventGUID": row["event_guid"],
        "At": row["emitted_at"],
        "EndAt": row["emitted_at"],
        "EventType": title_of(f"queue.{row['event_type']}"),
        **_names(row, row["beacon_id"]),
        "Status": row["to_status"],
        "DurationMs": row["payload"].get("DurationMs"),
        "RawRefHash": row["work_item_hash"],
    }


def _names(row: Row, beacon_id: str | None) -> Told:
    return {
        "RunHash": row["run_hash"],
        "OperationHash": row["operation_hash"],
        "WorkItemHash": row["work_item_hash"],
        "Capability": row["capability"],
        "Action": row["action"],
        "BeaconID": beacon_id,
    }


def _present(asked: Asked) -> list[Told]:
    rows = questions.held(hub_id(), MOST_HELD)
    return [
        {
            "Phase": "Present",
            "EventGUID": None,
            "At": to_wire(row["dispatched_at"]),
            "EndAt": None,
            "EventType": "Running",
            **_names(row, row["assigned_beacon_id"]),
            "Status": row["status"],
            "DurationMs": int((asked.now - row["dispatched_at"]).total_seconds() * 1000),
            "RawRefHash": row["work_item_hash"],
        }
        for row in rows
        if asked.wants(row)
    ]


def _future(asked: Asked, most: int) -> list[Told]:
    """Waiting items in the order of dispatch with the moment at which each is likely to begin, up to `most` of each capability."""
    hub = hub_id()
    items = questions.upcoming(hub, MOST_WAITING) if most else ()
    if not items:
        return []
    house, durations = waiting.house_of(hub, items), durations_by(questions.ended(hub), "capability")
    places: dict[str, int] = {}
    slots: dict[tuple[str, str], tuple[int, int]] = {}
    found = []
    for item in items:
        place = places[item["capability"]] = places.get(item["capability"], -1) + 1
        if place >= most or not asked.wants(item):
            continue
        wants = (item["capability"], item["action"])
        if wants not in slots:
            slots[wants] = _slots(item, house)
        times = durations.get(item["capability"], {}).get("/".join(wants), [])
        found.append(_predicted(asked, item, place, slots[wants], times))
    return found


def _slots(item: Row, house: waiting.House) -> tuple[int, int]:
    """Free slots and all slots of the live beacons that may take the item."""
    live = [candidate for candidate in eligible(waiting.situation_of(item, house)) if candidate.online and not candidate.paused]
    return sum(candidate.free for candidate in live), sum(candidate.slots for candidate in live)


def _predicted(asked: Asked, item: Row, place: int, slots: tuple[int, int], times: Sequence[int]) -> Told:
    guess = forecast(place, *slots, times)
    at = None if guess is None else to_wire(asked.now + timedelta(milliseconds=guess.in_ms))
    return {
        "Phase": "Future",
        "EventGUID": None,
        "At": at,
        "EndAt": None,
        "EventType": "Dispatch.Predicted",
        **_names(item, None),
        "Status": item["status"],
        "DurationMs": None,
        "RawRefHash": item["work_item_hash"],
        "PredictedAtIso": at,
        "PredictionConfidence": 0.0 if guess is None else guess.confidence,
    }


def _wired(record: Told) -> Told:
    return {name: to_wire(value) if isinstance(value, datetime) else value for name, value in record.items()}
