"""The journal's form: how a command travels, and the name of every Redis key.

| key | type | holds |
|---|---|---|
| `uv:epoch` | string | id of this life of the broker; set by the first append after it was empty |
| `uv:lanes` | set | every lane that has had an entry in this epoch |
| `uv:journal:<lane>` | stream | envelopes, field `e`; trimmed up to the cursor after each commit |
| `uv:bell:<group>` | string, expires | somebody has rung for this group, no need to ring again |
| `uv:wake:<reader>` | list of one, expires | the hub that this reader follows has committed changes |
| `uv:mirror:<hub>` | hash | how far the hub's rows have come in the database of its persistence, and tries that failed in a row |
| `uv:mirror:<hub>:quiet`, `:looked` | string, expires | that was told, or looked at, a moment ago |
| `uv:lease:<group>` | string, expires | token of the flush that works on this group |
| `uv:running:<group>` | hash lane -> entry id | end of the batch in work; left behind only by a flush that died |
| `uv:hold:<lane>` | string, expires | the lane waits before its next try |
| `uv:tries:<lane>` | hash entry id -> count | failed or fatal tries of single envelopes |
| `uv:reply:<envelope id>` | list, expires | the outcome, for the one who waits |
| `uv:ended:<item>` | list, expires | how an item has ended, for a caller who waits for it |
| `uv:listened:<item>` | string, expires | somebody has the item streamed |
| `uv:stream:<item>` | list, bounded, expires | frames for that one: kind and payload |
| `uv:events:<topic>` | stream, bounded | events, field `e` |
| `uv:inbox:<hub>:<beacon>` | list | assignments on their way to a beacon |
| `uv:presence:<hub>` | hash beacon -> milliseconds | last contact of each beacon; negative: since when it is known to be gone |
| `uv:hands:<hub>` | hash beacon -> JSON [milliseconds, [[item, attempt]]] | what a beacon last said that it works on |
| `uv:requests:<hub>` | hash request kind -> number | how many requests the web processes have answered, and in what time |
| `uv:swept` | string | when the last sweep ended, in milliseconds: beat and a worker are alive |
| `uv:watch:<hub>` | string | since when presence has been watched without a gap, and when last |
| `uv:bucket:<client>` | hash, expires | tokens that a client has left to enqueue with, and when they were counted |
| `uv:offered:<item>` | string, expires | the item was offered again a moment ago |
| `uv:calls` | channel | JSON: inboxes that have got something, or a beacon that another connection has taken over |
| `uv:connection:<hub>:<beacon>` | string | token of the beacon's newest WebSocket |
| `uv:cancels:<hub>:<beacon>` | hash item -> attempt, expires | what a beacon without WebSocket is told to cancel |
| `uv:doing:<task>` | string, expires | a worker carries the task of an operation out; renewed while it does |
| `uv:tasktries:<task>` | string, expires | how often a worker has begun with it |
| `uv:session:<digest>` | hash, expires | a login: who, since when, and the beacon that registered with it |
| `uv:failures:<digest>` | string, expires | logins tried in vain by an address, under a name, or both |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from schema.base import COMMANDS, CONTROL, Actor, Command, LaneKind, kind_of
from schema.base import LANES as LANE_KINDS

EPOCH = "uv:epoch"
LANES = "uv:lanes"
SWEPT = "uv:swept"
CALLS = "uv:calls"

#: How long one ring of the doorbell stands for all: after this, an append rings again even if nobody answered.
BELL_MS = 2_000
#: A reply that nobody fetched is gone after this time; its receipt in SQL stays.
REPLY_SECONDS = 30
#: Entries that a topic's stream keeps at least: the original's ring is as long (ultravisor-hub 4.6).
EVENTS_KEPT = 5_000
#: Frames that wait for a caller who is slower than the beacon that works for him; of at most 1 MiB each, but for the last.
FRAMES_KEPT = 32
#: Entries that one lane may hold before appends are refused: bounds the broker's memory, about 100 MB at 1 kB an entry.
JOURNAL_LIMIT = 100_000

#: Appends envelopes and says whether the doorbell must be rung. KEYS: journal, lanes, epoch, bell.
#: ARGV: lane, fresh epoch id, bell milliseconds, limit, envelope... Returns [last entry id or "", 1 if to be rung].
#: One script, so that no entry can ever lie in a journal that has no epoch.
APPEND = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[4]) then return {'', 0} end
redis.call('SET', KEYS[3], ARGV[2], 'NX')
redis.call('SADD', KEYS[2], ARGV[1])
local last
for i = 5, #ARGV do last = redis.call('XADD', KEYS[1], '*', 'e', ARGV[i]) end
local rung = redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[3])
return {last, rung and 1 or 0}
"""


def journal(lane: str) -> str:
    return f"uv:journal:{lane}"


def bell(group: str) -> str:
    return f"uv:bell:{group}"


def wake(reader: str) -> str:
    return f"uv:wake:{reader}"


def mirror(hub: str) -> str:
    return f"uv:mirror:{hub}"


def lease(group: str) -> str:
    return f"uv:lease:{group}"


def running(group: str) -> str:
    return f"uv:running:{group}"


def hold(lane: str) -> str:
    return f"uv:hold:{lane}"


def tries(lane: str) -> str:
    return f"uv:tries:{lane}"


def reply(envelope_id: str) -> str:
    return f"uv:reply:{envelope_id}"


def ended(work_item_hash: str) -> str:
    return f"uv:ended:{work_item_hash}"


def listened(work_item_hash: str) -> str:
    return f"uv:listened:{work_item_hash}"


def stream(work_item_hash: str) -> str:
    return f"uv:stream:{work_item_hash}"


def events(topic: str) -> str:
    return f"uv:events:{topic}"


def inbox(hub: str, beacon_id: str) -> str:
    return f"uv:inbox:{hub}:{beacon_id}"


def presence(hub: str) -> str:
    return f"uv:presence:{hub}"


def hands(hub: str) -> str:
    return f"uv:hands:{hub}"


def watch(hub: str) -> str:
    return f"uv:watch:{hub}"


def bucket(client: str) -> str:
    return f"uv:bucket:{client}"


def offered(work_item_hash: str) -> str:
    return f"uv:offered:{work_item_hash}"


def requests(hub: str) -> str:
    return f"uv:requests:{hub}"


def connection(hub: str, beacon_id: str) -> str:
    return f"uv:connection:{hub}:{beacon_id}"


def cancels(hub: str, beacon_id: str) -> str:
    return f"uv:cancels:{hub}:{beacon_id}"


def doing(task: str) -> str:
    return f"uv:doing:{task}"


def task_tries(task: str) -> str:
    return f"uv:tasktries:{task}"


def session(digest: str) -> str:
    return f"uv:session:{digest}"


def failures(digest: str) -> str:
    return f"uv:failures:{digest}"


def flush_group(lane: str, one_writer: bool) -> str:
    """The lanes that one flush serves together: all of the control database where that has one writer (SQLite), else each lane by itself."""
    kind = kind_of(lane)
    return f"@{CONTROL}" if one_writer and kind.database == CONTROL and not kind.loose else lane


def queue_of(group: str) -> str:
    """The Celery queue on which a group's doorbell rings."""
    return _kind(group).queue_of(group)


def seconds_of(group: str) -> int:
    """Seconds that one flush of the group may take."""
    return _kind(group).seconds


def _kind(group: str) -> LaneKind:
    """The kind of the group's lanes; that of the control database for one that serves all of its lanes, or that nobody has declared."""
    return LANE_KINDS.get(group.partition("/")[0], _PLAIN)


_PLAIN = LaneKind("")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command on its way: who wants it, since when, and whether somebody waits for the outcome.

    `key` is the caller's Idempotency-Key. `order` is the id of the order row that this envelope carries out, when a unit and
    not a caller asked for it.
    """

    id: str
    command: Command
    actor: Actor
    at: datetime
    origin: str = ""
    request_id: str = ""
    waited: bool = False
    key: str | None = None
    order: str | None = None

    @property
    def receipt(self) -> str | None:
        """Under which name the outcome is kept, None when nobody will ever ask."""
        if self.command.repeatable:
            return None
        if self.key is not None:
            return receipt_id(self.actor, self.key)
        return receipt_id(self.actor, self.id) if self.waited else None

    @property
    def fingerprint(self) -> str:
        """Tells another request under the same key from a repetition of this one."""
        return sha256(orjson.dumps([self.command.name, self.command.identity()], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def receipt_id(actor: Actor, key: str) -> str:
    """The receipt's name, 40 hex digits: one key means one change for one actor, whatever another actor uses."""
    return sha256(f"{actor}\0{key}".encode()).hexdigest()[:40]


def encode(envelope: Envelope) -> bytes:
    """The envelope as it lies in a journal: compact JSON, absent fields left out."""
    data: dict[str, Any] = {
        "i": envelope.id,
        "c": envelope.command.name,
        "p": envelope.command.payload(),
        "a": str(envelope.actor),
        "t": round(envelope.at.timestamp() * 1000),
    }
    if envelope.origin:
        data["o"] = envelope.origin
    if envelope.request_id:
        data["r"] = envelope.request_id
    if envelope.waited:
        data["w"] = 1
    if envelope.key is not None:
        data["k"] = envelope.key
    if envelope.order is not None:
        data["u"] = envelope.order
    return orjson.dumps(data)


def decode(data: bytes | str) -> Envelope:
    """Inverse of `encode`. Raises KeyError for an unknown command, TypeError or ValueError for a foreign form."""
    raw = orjson.loads(data)
    try:
        return Envelope(
            id=raw["i"],
            command=COMMANDS[raw["c"]](**raw["p"]),
            actor=Actor.parse(raw["a"]),
            at=datetime.fromtimestamp(raw["t"] / 1000, UTC),
            origin=raw.get("o", ""),
            request_id=raw.get("r", ""),
            waited="w" in raw,
            key=raw.get("k"),
            order=raw.get("u"),
        )
    except (AttributeError, OverflowError, OSError) as error:  # an actor that is no text, a time beyond the calendar
        raise ValueError(f"this is no envelope of ours: {error}") from error
