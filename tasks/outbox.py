"""What leaves after a commit: answers, events, orders, deliveries. Everything here may be done twice without harm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from schema import envelope as keys
from schema.among import among
from schema.base import LANES
from schema.envelope import Envelope
from schema.ledger import tables as ledger
from schema.outcome import Outcome
from schema.outcome import encode as encode_outcome
from schema.sql import to_wire
from tasks.kernel import Kernel
from tasks.unit import look

#: Outbox rows, and orders, that one sweep sends again.
PAGE = 500
#: Outbox rows and orders younger than this are left to the flush that made them.
GRACE = timedelta(seconds=5)
#: An order that is open for this long is sent again even where its lane has other work: it may be lost, and a busy lane is never empty.
STALE = timedelta(seconds=60)
#: Entries in a lane from which on stale orders are not sent again: the lane is behind, and what it waits for is not our message.
CROWDED = 10_000

_FORGET = sa.delete(ledger.outbox).where(among(ledger.outbox.c.id, "ids"))

#: KEYS: replies. ARGV: seconds that they stay, the outcome of each. One script and not two commands for each: a batch has a thousand.
_ANSWER = """
for i, key in ipairs(KEYS) do
  redis.call('RPUSH', key, ARGV[i + 1])
  redis.call('EXPIRE', key, ARGV[1])
end
"""
#: KEYS: the topic's stream. ARGV: entries kept, event...
_TELL = """
for i = 2, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[i]) end
"""

#: KEYS: bell, list. ARGV: bell milliseconds, seconds that the list stays. Returns whether the bell must be rung.
_WAKE = """
if redis.call('LLEN', KEYS[2]) == 0 then redis.call('RPUSH', KEYS[2], '1') end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
"""
WAKE_SECONDS = 60


#: KEYS: who listens to the item, its frames. ARGV: seconds that they stay, how many may wait; then each frame after a 1 if it must have room.
_STREAM = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
for i = 3, #ARGV, 2 do
  if ARGV[i] == '1' or redis.call('LLEN', KEYS[2]) < tonumber(ARGV[2]) then
    redis.call('RPUSH', KEYS[2], ARGV[i + 1])
    redis.call('EXPIRE', KEYS[2], ARGV[1])
  end
end
"""


def answer(pipe: Any, replies: Sequence[tuple[Envelope, Outcome]], more: Sequence[tuple[str, bytes]] = ()) -> None:
    """Tell those who wait: for the outcome of their command, or, with `more`, at a list of another name."""
    told = [(keys.reply(envelope.id), encode_outcome(outcome)) for envelope, outcome in replies] + list(more)
    if told:
        pipe.execute_command("EVAL", _ANSWER, len(told), *(name for name, _ in told), keys.REPLY_SECONDS, *(message for _, message in told))


def send_events(pipe: Any, events: Sequence[Sequence[Any]], committed_at: str | None) -> None:
    """Append each event to the bounded stream of its topic."""
    topics: dict[str, list[bytes]] = {}
    for topic, event in events:
        topics.setdefault(topic, []).append(orjson.dumps({**event, "EmittedAt": committed_at}))
    for topic, told in topics.items():
        pipe.execute_command("EVAL", _TELL, 1, keys.events(topic), keys.EVENTS_KEPT, *told)


def stream(pipe: Any, frames: Iterable[tuple[str, bytes, bool]]) -> None:
    """Append frames to the streams of their items, as far as somebody listens and there is room."""
    items: dict[str, list[bytes]] = {}
    for item, frame, must in frames:
        items.setdefault(item, []).extend((b"1" if must else b"0", frame))
    for item, told in items.items():
        pipe.execute_command("EVAL", _STREAM, 2, keys.listened(item), keys.stream(item), keys.REPLY_SECONDS, keys.FRAMES_KEPT, *told)


def deliver(pipe: Any, deliveries: Iterable[tuple[str, bytes]]) -> None:
    """Put messages into inboxes."""
    inboxes: dict[str, list[bytes]] = {}
    for inbox, message in deliveries:
        inboxes.setdefault(inbox, []).append(message)
    for inbox, messages in inboxes.items():
        pipe.execute_command("RPUSH", inbox, *messages)
    if inboxes:
        # Whoever holds the beacons' sockets listens here; one that did not hear it looks by itself within seconds.
        pipe.execute_command("PUBLISH", keys.CALLS, orjson.dumps({"Inboxes": list(inboxes)}))


def append(kernel: Kernel, envelopes: Iterable[tuple[str, bytes]]) -> None:
    """Append encoded envelopes, given with their lanes, and ring where nobody has."""
    lanes: dict[str, list[bytes]] = {}
    for lane, payload in envelopes:
        lanes.setdefault(lane, []).append(payload)
    for lane, payloads in lanes.items():
        group = keys.flush_group(lane, kernel.settings.one_writer)
        names = (keys.journal(lane), keys.LANES, keys.EPOCH, keys.bell(group))
        # What comes from inside is let in beyond the journal's limit, which guards against callers.
        _, rung = kernel.redis.eval(keys.APPEND, 4, *names, lane, kernel.new_id(), keys.BELL_MS, 2**53, *payloads)
        if rung:
            kernel.ring(group, 0)


def wake(kernel: Kernel, reader: str) -> None:
    """Tell the one who follows a hub's changes; ring for it where it is not at work. Lost, the sweep makes it good."""
    names = (keys.bell(reader), keys.wake(reader))
    if kernel.redis.eval(_WAKE, 2, *names, keys.BELL_MS, WAKE_SECONDS):
        kernel.ring(reader, 0)


def tidy(connection: sa.Connection, sent: Sequence[str]) -> None:
    """Forget outbox rows whose events are in their streams."""
    connection.execute(_FORGET, {"ids": list(sent)})


def send_again(kernel: Kernel) -> int:
    """Send what a killed flush left behind: events of old outbox rows, and orders that no journal holds any more. Returns how many."""
    now = kernel.now()
    with look(kernel.engine) as connection:
        stamp = ledger.outbox.c.committed_at
        rows = connection.execute(sa.select(ledger.outbox).where(_older(stamp, now, GRACE)).order_by(stamp).limit(PAGE)).all()
        lanes = list(connection.execute(sa.select(ledger.order.c.lane).where(_older(ledger.order.c.ordered_at, now, GRACE)).distinct()).scalars())
    _send_rows(kernel, rows)
    return len(rows) + _order_again(kernel, lanes, now)


def _older(stamp: sa.Column[Any], now: datetime, age: timedelta) -> sa.ColumnElement[bool]:
    """Rows of that age; also those that a clock which has been set back since has stamped with a time to come."""
    return sa.or_(stamp < now - age, stamp > now + age)


def _send_rows(kernel: Kernel, rows: Sequence[Any]) -> None:
    if not rows:
        return
    pipe = kernel.redis.pipeline(transaction=False)
    for row in rows:
        send_events(pipe, orjson.loads(row.events), to_wire(row.committed_at))
    pipe.execute()
    with kernel.engine.begin() as connection:
        tidy(connection, [row.id for row in rows])


def _order_again(kernel: Kernel, lanes: Sequence[str], now: datetime) -> int:
    """Send open orders of lanes that have nothing waiting: theirs are lost. Where entries wait, the order may be among them, so only
    stale ones are sent, each once per STALE. Whatever is sent needlessly finds its order row gone, and changes nothing.
    """
    known = [lane for lane in lanes if lane.partition("/")[0] in LANES]
    pipe = kernel.redis.pipeline(transaction=False)
    for lane in known:
        pipe.xlen(keys.journal(lane))
    lengths = dict(zip(known, pipe.execute(), strict=True))
    idle = [lane for lane, length in lengths.items() if not length]
    busy = [lane for lane, length in lengths.items() if 0 < length < CROWDED]
    order = ledger.order.c
    lost = (order.lane.in_(idle) & _older(order.ordered_at, now, GRACE)) | (order.lane.in_(busy) & _older(order.ordered_at, now, STALE))
    if not idle and not busy:
        return 0
    with look(kernel.engine) as connection:
        rows = connection.execute(sa.select(order.id, order.lane, order.envelope).where(lost).order_by(order.ordered_at, order.id).limit(PAGE)).all()
    append(kernel, [(row.lane, row.envelope.encode()) for row in rows])
    stale = [row.id for row in rows if row.lane in busy]
    if stale:
        with kernel.engine.begin() as connection:
            connection.execute(sa.update(ledger.order).where(order.id.in_(stale)).values(ordered_at=now))
    return len(rows)
