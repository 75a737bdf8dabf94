"""The journal as a flush sees it: entries after the cursors of a group's lanes, in one atomic look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import redis

from schema import envelope as keys
from schema.base import LANES
from tasks.line import Line, Words

Entry = tuple[bytes, bytes]  # (entry id, encoded envelope)

#: KEYS: epoch, journal. ARGV: epoch, first id to keep. Nothing is trimmed in another life of the broker: an old cursor says nothing
#: about new entries.
TRIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
"""


#: KEYS: epoch, journal. ARGV: epoch, the cursor, first id to keep, milliseconds and number of the cursor. Forgets what is applied; lifts
#: a stream whose last id fell behind the cursor (the broker lost its newest seconds), so that new entries come after it.
_SETTLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[3])
local last = '0-0'
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
end
local ms, number = string.match(last, '(%d+)-(%d+)')
ms, number = tonumber(ms), tonumber(number)
if ms < tonumber(ARGV[4]) or (ms == tonumber(ARGV[4]) and number < tonumber(ARGV[5])) then
  redis.call('XADD', KEYS[2], 'MAXLEN', 0, ARGV[2], 'x', '')
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What one atomic look at the journal saw."""

    epoch: str
    lanes: frozenset[str]
    entries: dict[str, list[Entry]]


def next_id(entry: str) -> str:
    """The smallest entry id after this one."""
    stamp, _, number = entry.partition("-")
    return f"{stamp}-{int(number) + 1}"


def id_key(entry: str) -> tuple[int, int]:
    """Entry ids in the order of the stream."""
    stamp, _, number = entry.partition("-")
    return int(stamp), int(number)


def look(client: redis.Redis, one_writer: bool, group: str, positions: dict[str, str], count: int) -> Look:
    """Entries after `positions`, with the epoch to which they belong; lanes not yet among the positions are only named."""
    line = Line(client)
    try:
        return look_along(line, one_writer, group, positions, count)
    finally:
        line.close()


def look_along(line: Line, one_writer: bool, group: str, positions: dict[str, str], count: int, patience_ms: int = 0) -> Look:
    """The same on a line that is there. With patience the look is delayed until one of the lanes has an entry, or the time is over:
    Redis goes on to the rest as soon as something comes, so it is in hand after one journey.
    """
    waits = [_wait(positions, patience_ms)] if patience_ms and positions else []
    ranges = [("XRANGE", keys.journal(lane), f"({position}", "+", "COUNT", count) for lane, position in positions.items()]
    *_, (epoch, lanes, *streams) = line.ask([*waits, ("MULTI",), ("GET", keys.EPOCH), ("SMEMBERS", keys.LANES), *ranges, ("EXEC",)])
    mine = frozenset(groups(lanes, one_writer).get(group, ()))
    entries = {lane: [_entry(*found) for found in stream] for lane, stream in zip(positions, streams, strict=True)}
    return Look(epoch.decode() if epoch else "", mine, {lane: found for lane, found in entries.items() if found})


def _wait(positions: dict[str, str], milliseconds: int) -> Words:
    return ("XREAD", "COUNT", 1, "BLOCK", milliseconds, "STREAMS", *map(keys.journal, positions), *positions.values())


def _entry(id: bytes, fields: list[bytes]) -> Entry:
    """A foreign entry has no field of ours: it is buried like any other that cannot be decoded."""
    return id, dict(zip(fields[::2], fields[1::2], strict=True)).get(b"e", b"") if fields[0] != b"e" else fields[1]


def groups(names: Iterable[bytes], one_writer: bool) -> dict[str, list[str]]:
    """The lanes of each flush group. A lane that this release does not know is left to the release that does."""
    found: dict[str, list[str]] = {}
    for lane in sorted(name.decode() for name in names):
        if lane.partition("/")[0] in LANES:
            found.setdefault(keys.flush_group(lane, one_writer), []).append(lane)
    return found


def settle(client: redis.Redis, epoch: str, positions: dict[str, str]) -> None:
    """Make the lanes' streams agree with their cursors."""
    pipe = client.pipeline(transaction=False)
    for _, script, count, *words in _settling(epoch, positions):
        pipe.eval(script, count, *words)
    pipe.execute()


def _settling(epoch: str, positions: dict[str, str]) -> list[Words]:
    return [
        ("EVAL", _SETTLE, 2, keys.EPOCH, keys.journal(lane), epoch, position, next_id(position), *id_key(position))
        for lane, position in positions.items()
    ]


def take_up(line: Line, group: str, epoch: str, lanes: list[str], positions: dict[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """Settle the lanes that have positions. Returns the seconds for which lanes are held, and where a flush that died has left them in the
    middle of a batch; all in one journey.
    """
    settling = _settling(epoch, positions)
    running = keys.running(group)
    answers = line.ask([*settling, *(("PTTL", keys.hold(lane)) for lane in lanes), ("HKEYS", running), ("HVALS", running)])
    *waits, names, ends = answers[len(settling) :]
    left = {name.decode(): end.decode() for name, end in zip(names, ends, strict=True)}
    return _seconds(lanes, waits), left


def held(client: redis.Redis, lanes: list[str]) -> dict[str, float]:
    """Lanes that wait before their next try, with the seconds that are left."""
    pipe = client.pipeline(transaction=False)
    for lane in lanes:
        pipe.pttl(keys.hold(lane))
    return _seconds(lanes, pipe.execute())


def _seconds(lanes: list[str], milliseconds: list[int]) -> dict[str, float]:
    return {lane: left / 1000 for lane, left in zip(lanes, milliseconds, strict=True) if left > 0}


def wait_for_entries(client: redis.Redis, positions: dict[str, str], milliseconds: int) -> bool:
    """Block until one of the lanes has an entry after its position, or the time is over. Reads nothing: the next look does."""
    if not positions:
        return False
    found = client.xread({keys.journal(lane): position for lane, position in positions.items()}, count=1, block=milliseconds)
    return bool(found)


def waiting(client: redis.Redis, one_writer: bool) -> dict[str, list[str]]:
    """Group -> its lanes whose journal holds entries: applied entries are trimmed, so what is there waits."""
    names: set[bytes] = client.smembers(keys.LANES)  # type: ignore[assignment]  # the client is synchronous
    return groups((lane.encode() for lane in waiting_lanes(client, [name.decode() for name in names])), one_writer)


def waiting_lanes(client: redis.Redis, lanes: list[str]) -> list[str]:
    """Those of the lanes whose journal holds entries."""
    pipe = client.pipeline(transaction=False)
    for lane in lanes:
        pipe.xlen(keys.journal(lane))
    return [lane for lane, length in zip(lanes, pipe.execute(), strict=True) if length]
