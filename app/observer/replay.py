"""What happened after an event: from the streams while they reach back to it, else from the history in SQL.

One order for all topics: the broker's clock, which stamps every entry. An entry of the present millisecond is held back, since another
topic may still get one that comes before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from app.broker import broker
from app.hub.here import hub_id
from app.observer import questions
from schema import envelope as keys
from schema.sql import to_wire

#: The streams that make the one stream of observers, in the order of entries of one millisecond.
TOPICS = ("queue", "beacon")
#: Entries looked through for an event, newest first: most who ask are near the end.
LOOKS = (64, 512, 100_000)

Told = dict[str, Any]


class Place(NamedTuple):
    """An entry in one of the streams."""

    topic: str
    id: str


class Page(NamedTuple):
    """Events in order; `cursor` is where to go on; `held`: something has come that is not ripe yet."""

    events: list[Told]
    cursor: str | None
    more: bool
    held: bool = False


def newest() -> str | None:
    """The GUID of the last event, None when there never was one."""
    last: list[tuple[tuple[int, int, int], bytes]] = []
    pipe = broker().quick.pipeline(transaction=False)
    for topic in TOPICS:
        pipe.xrevrange(keys.events(topic), count=1)
    for topic, found in zip(TOPICS, pipe.execute(), strict=True):
        last += [(_age(topic, id), fields[b"e"]) for id, fields in found]
    if not last:
        return questions.newest_guid(hub_id())
    return str(orjson.loads(max(last)[1])["EventGUID"])


def after(since: str | None, limit: int) -> Page | None:
    """Events after the one with this GUID, from the beginning where it is None. None when nobody remembers that event."""
    if since is None:
        return _from_streams(dict.fromkeys(TOPICS, "-"), None, limit)
    place = _find(since)
    if place is not None and _reaches_back(place):
        return _from_streams({topic: _start(place, topic) for topic in TOPICS}, since, limit)
    if place is None and not questions.knows_event(hub_id(), since):
        return None
    return _from_history(since, limit)


def _find(guid: str) -> Place | None:
    """Where the event lies, if its stream still has it."""
    wanted = b'"EventGUID":"%s"' % guid.encode()
    for topic in TOPICS:
        before = "+"
        for count in LOOKS:
            found: Any = broker().quick.xrevrange(keys.events(topic), before, count=count)
            for id, fields in found:
                if wanted in fields[b"e"]:
                    return Place(topic, id.decode())
            if len(found) < count:
                break
            before = f"({found[-1][0].decode()}"
    return None


def _reaches_back(place: Place) -> bool:
    """Whether the other streams still have everything that came after the place: what is not trimmed has all there ever was."""
    stamp = int(place.id.partition("-")[0])
    for topic in TOPICS:
        stream = keys.events(topic)
        if topic != place.topic and broker().quick.xlen(stream) >= keys.EVENTS_KEPT:
            first: Any = broker().quick.xrange(stream, count=1)
            if first and int(first[0][0].partition(b"-")[0]) > stamp:
                return False
    return True


def _start(place: Place, topic: str) -> str:
    """From where on a stream's entries come after the place."""
    if topic == place.topic:
        return f"({place.id}"
    stamp = int(place.id.partition("-")[0])
    return f"{stamp}-0" if TOPICS.index(topic) > TOPICS.index(place.topic) else f"{stamp + 1}-0"


def _age(topic: str, id: bytes) -> tuple[int, int, int]:
    stamp, _, number = id.partition(b"-")
    return int(stamp), TOPICS.index(topic), int(number)


def _from_streams(starts: dict[str, str], since: str | None, limit: int) -> Page:
    pipe = broker().quick.pipeline(transaction=False)
    pipe.time()
    for topic, start in starts.items():
        pipe.xrange(keys.events(topic), start, count=limit + 1)
    (seconds, micros), *streams = pipe.execute()
    now = seconds * 1000 + micros // 1000
    found = [(_age(topic, id), fields[b"e"]) for topic, entries in zip(starts, streams, strict=True) for id, fields in entries]
    ripe = sorted(entry for entry in found if entry[0][0] < now)
    events = list(_once(orjson.loads(data) for _, data in ripe[:limit]))
    return Page(events, events[-1]["EventGUID"] if events else since, len(ripe) > limit, len(ripe) < len(found))


def _once(events: Iterator[Told]) -> Iterator[Told]:
    """Without those that a killed flush has left behind and the next one has sent again."""
    seen = set()
    for event in events:
        if event["EventGUID"] not in seen:
            seen.add(event["EventGUID"])
            yield event


def _from_history(since: str, limit: int) -> Page:
    """Work events from SQL, the others as far as their stream has them, all in the order of their GUIDs."""
    rows = questions.events_after(hub_id(), since, limit + 1)
    until = rows[-1]["event_guid"] if len(rows) > limit else None
    told = [event_of(row) for row in rows] + [
        event for event in kept("beacon") if since < event["EventGUID"] and (until is None or event["EventGUID"] < until)
    ]
    told.sort(key=lambda event: str(event["EventGUID"]))
    events = list(_once(iter(told[:limit])))
    return Page(events, events[-1]["EventGUID"] if events else since, len(told) > limit)


def kept(topic: str) -> list[Told]:
    """All that a stream still has."""
    entries: Any = broker().quick.xrange(keys.events(topic))
    return [orjson.loads(fields[b"e"]) for _, fields in entries]


def since_moment(moment: Any, limit: int) -> list[Told]:
    """The events from a moment on, as `after` tells them."""
    told = [event_of(row) for row in questions.events_between(hub_id(), moment, None, None, limit)]
    stamp = to_wire(moment) or ""
    told += [event for event in kept("beacon") if (event["EmittedAt"] or "") >= stamp]
    told.sort(key=lambda event: (event["EmittedAt"] or "", event["EventGUID"]))
    return told[:limit]


def event_of(row: Any) -> Told:
    """A row of the history as it was announced."""
    told: Told = {"WorkItemHash": row["work_item_hash"], "RunID": row["run_id"]}
    if row["beacon_id"]:
        told["BeaconID"] = row["beacon_id"]
    payload = told | row["payload"] | {"Status": row["to_status"]}
    return {"Topic": f"queue.{row['event_type']}", "Payload": payload, "EventGUID": row["event_guid"], "EmittedAt": to_wire(row["emitted_at"])}
