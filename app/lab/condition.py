"""How the hub is: its parts, each judged, with what to do about those that are not well. Tells of outages, so it outlives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

import redis
import sqlalchemy as sa

from app.broker import broker
from app.hub import questions
from app.hub.here import hub_id
from app.hub.waiting import lanes
from app.ledger.questions import letters_counted, unsent
from app.reading import ask, reader
from schema import envelope as keys
from schema.errors import NotReady, UltravisorError, Unavailable
from schema.sql import to_wire

#: Milliseconds since the last sweep from which on workers or beat count as late, and as away: a sweep is due every two seconds, and
#: one that finds all workers busy for four is left out.
SWEEP_LATE_MS, SWEEP_AWAY_MS = 15_000, 45_000
#: Milliseconds that the oldest command of a lane, or the oldest commit whose events are not sent, may wait. One stuck lane is not the
#: whole hub: it is for somebody to look at, and no outage.
LAG_LATE_MS = 2_000
#: Lanes that are told of, those with the longest lag first.
MOST_LANES = 50

ALIVE = sa.select(sa.literal(1).label("alive"))

RANK = {"ok": 0, "late": 1, "down": 2}

Numbers = dict[str, Any]


class Part(NamedTuple):
    """A part of the hub: `ok`, `late` (a person should look) or `down` (nothing goes on until somebody does)."""

    name: str
    state: str
    sentence: str
    advice: str
    numbers: Numbers


def condition() -> dict[str, Any]:
    """All parts; the worst of them is the state of the hub."""
    told, waiting = _lanes()
    parts = [_database(), _broker(), *_worker(told), *_of_rows()]
    return {
        "State": max((part.state for part in parts), key=RANK.__getitem__),
        "At": to_wire(datetime.now(UTC)),
        "DeadLetters": next((part.numbers["DeadLetters"] for part in parts if part.name == "Dead letters"), 0),
        "Parts": [{"Name": p.name, "State": p.state, "Sentence": p.sentence, "Advice": p.advice, "Numbers": p.numbers} for p in parts],
        "Lanes": waiting,
    }


def _database() -> Part:
    began = perf_counter()
    try:
        reader().require()
        ask(ALIVE)
    except NotReady as error:
        missing = error.evidence["Missing"]
        text = f"The database lacks {len(missing)} tables or columns that this release needs."
        return Part("Database", "down", text, "A worker migrates it by itself when it starts.", {"Missing": missing})
    except Unavailable:
        return Part("Database", "down", "The database does not answer.", "Nothing can be read or stored until it does.", {})
    return Part("Database", "ok", "It answers, and has all that this release needs.", "", {"AnswerMs": _since(began)})


def _broker() -> Part:
    began = perf_counter()
    try:
        broker().quick.ping()
    except redis.RedisError:
        advice = "Nothing is accepted until it does. What was answered as done is in SQL, and goes on when Redis is back."
        return Part("Redis", "down", "Redis does not answer.", advice, {})
    return Part("Redis", "ok", "It answers.", "", {"AnswerMs": _since(began)})


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _lanes() -> tuple[tuple[int, int, int | None] | None, list[Numbers]]:
    """(commands that wait, milliseconds of the oldest, milliseconds since the last sweep), None without a broker; and the lanes."""
    try:
        client = broker().quick
        members: Any = client.smembers(keys.LANES)
        swept: Any = client.get(keys.SWEPT)
        found = lanes(sorted(name.decode() for name in members))
    except redis.RedisError:
        return None, []
    since = None if swept is None else max(0, int(datetime.now(UTC).timestamp() * 1000) - int(swept))
    listed = sorted(found.items(), key=lambda lane: (-lane[1][1], lane[0]))
    entries, lag = sum(length for length, _ in found.values()), max((lag for _, lag in found.values()), default=0)
    return (entries, lag, since), [{"Lane": name, "Entries": length, "LagMs": lag} for name, (length, lag) in listed[:MOST_LANES]]


def _worker(told: tuple[int, int, int | None] | None) -> Iterator[Part]:
    if told is None:
        return
    entries, lag, since = told
    numbers = {"SweptMsAgo": since}
    advice = "Look whether beat and a worker run. Commands wait in the journal meanwhile, and none is lost."
    if since is None:
        yield Part("Workers", "late", "No sweep has been seen since Redis was started or emptied.", advice, numbers)
    elif since > SWEEP_LATE_MS:
        state = "down" if since > SWEEP_AWAY_MS else "late"
        yield Part("Workers", state, f"Nobody has swept for {since // 1000} s: no worker or no beat runs.", advice, numbers)
    else:
        yield Part("Workers", "ok", "Beat and a worker are alive.", "", numbers)
    numbers = {"Entries": entries, "LagMs": lag}
    if lag > LAG_LATE_MS:
        text = f"{entries} commands wait, the oldest for {lag // 1000} s."
        yield Part("Lanes", "late", text, "If this grows, look at the workers of the lanes below, or add some.", numbers)
    else:
        yield Part("Lanes", "ok", "Commands are carried out as they come.", "", numbers)


def _of_rows() -> Iterator[Part]:
    try:
        waiting, oldest = unsent()
        yield _outbox(waiting, 0 if oldest is None else max(0, int((datetime.now(UTC) - oldest).total_seconds() * 1000)))
        yield _letters(letters_counted())
        yield _beacons()
    except UltravisorError:
        return  # the part called Database has said it


def _outbox(rows: int, age_ms: int) -> Part:
    numbers = {"Rows": rows, "AgeMs": age_ms}
    if age_ms <= LAG_LATE_MS:
        return Part("Outbox", "ok", "Events leave as they are committed.", "", numbers)
    text = f"The events of {rows} commits have not been sent, the oldest for {age_ms // 1000} s."
    return Part("Outbox", "late", text, "They are sent again by the next sweep; no change is lost.", numbers)


def _letters(number: int) -> Part:
    if not number:
        return Part("Dead letters", "ok", "There is none.", "", {"DeadLetters": 0})
    text = f"{number} command{' has' if number == 1 else 's have'} failed again and again."
    return Part("Dead letters", "late", text, "Read the error, then replay or discard each below.", {"DeadLetters": number})


def _beacons() -> Part:
    found = questions.beacons_by_status(hub_id())
    there, all_of_them = found.get("Online", 0), sum(found.values())
    waiting = questions.waiting_items(hub_id())
    numbers = {"Online": there, "Registered": all_of_them, "WaitingItems": waiting}
    if there or not waiting:
        return Part("Beacons", "ok", f"{there} of {all_of_them} are online.", "", numbers)
    return Part("Beacons", "late", f"No beacon is online, and {waiting} items wait.", "Start one: ultravisor beacon --provider Shell", numbers)
