"""A beacon's contact: signs of life, inbox, connection. Transport only, all of it in the broker; no row changes here."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from time import time
from typing import Any

import orjson
import redis

from app.broker import Broker
from schema import envelope as keys

#: What a beacon works on: (work item hash, attempt).
Hand = Sequence[tuple[str, int]]

#: The word in the inbox that tells to cancel from work to do.
CANCEL = "CancelWorkItem"
#: Seconds that a cancellation is told again with each heartbeat.
CANCEL_SECONDS = 600
#: A connection's token outlives the longest silence that we forgive.
CONNECTION_SECONDS = 86_400

#: KEYS: inbox, cancels. ARGV: how a cancellation begins, seconds. Moves cancellations out of the inbox; returns all that are known.
_CANCELS = """
for _, message in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if string.sub(message, 1, #ARGV[1]) == ARGV[1] then
    local said = cjson.decode(message)
    redis.call('LREM', KEYS[1], 1, message)
    redis.call('HSET', KEYS[2], said['CancelWorkItem'], said['AttemptNumber'])
    redis.call('EXPIRE', KEYS[2], ARGV[2])
  end
end
return redis.call('HGETALL', KEYS[2])
"""
#: KEYS: connection, presence. ARGV: token, beacon, milliseconds of the end. Says that the beacon is gone, unless it was heard of since.
_GONE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local last = redis.call('HGET', KEYS[2], ARGV[2])
if last and tonumber(last) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], '-' .. ARGV[3])
return 1
"""


def now_ms() -> int:
    return int(time() * 1000)


def touch(client: redis.Redis, hub: str, beacon_id: str, hand: Hand | None = None) -> None:
    """Note that the beacon has been heard, and what it says that it works on. The clock's round draws the consequences."""
    touch_all(client, hub, {beacon_id: hand})


def touch_all(client: redis.Redis, hub: str, heard: Mapping[str, Hand | None]) -> None:
    """The same for many beacons, in one journey."""
    now = now_ms()
    pipe = client.pipeline(transaction=False)
    pipe.hset(keys.presence(hub), mapping=dict.fromkeys(heard, now))
    said: dict[Any, Any] = {id: orjson.dumps([now, list(hand)]) for id, hand in heard.items() if hand is not None}
    if said:
        pipe.hset(keys.hands(hub), mapping=said)
    pipe.execute()


def last_contacts(client: redis.Redis, hub: str, beacon_ids: Sequence[str]) -> dict[str, int]:
    """Milliseconds since 1970 of each beacon's last contact, as far as the broker knows."""
    if not beacon_ids:
        return {}
    try:
        found: Any = client.hmget(keys.presence(hub), list(beacon_ids))
    except redis.RedisError:  # the rows alone answer well enough
        return {}
    return {id: abs(int(at)) for id, at in zip(beacon_ids, found, strict=True) if at is not None}


def next_item(broker: Broker, hub: str, beacon_id: str, wait_ms: int) -> dict[str, Any] | None:
    """The oldest assignment in the inbox, waiting for one if there is none yet. A cancellation on the way is kept for the next heartbeat."""
    inbox = keys.inbox(hub, beacon_id)
    deadline = time() + wait_ms / 1000
    while True:
        message: Any = broker.quick.lpop(inbox)
        left = deadline - time()
        if message is None and left > 0:
            popped: Any = broker.patient.blpop([inbox], timeout=left)
            message = popped[1] if popped else None
        if message is None:
            return None
        said: dict[str, Any] = orjson.loads(message)
        if CANCEL not in said:
            return said
        broker.quick.lpush(inbox, message)
        cancels(broker.quick, hub, beacon_id)


def cancels(client: redis.Redis, hub: str, beacon_id: str, hand: Hand | None = None) -> list[str]:
    """Items that the beacon shall let go of. One that says what it holds hears only of that, until it does not hold it any more."""
    begins = f'{{"{CANCEL}"'
    found: Any = client.eval(_CANCELS, 2, keys.inbox(hub, beacon_id), keys.cancels(hub, beacon_id), begins, CANCEL_SECONDS)
    meant = {(hash.decode(), int(attempt)) for hash, attempt in zip(found[::2], found[1::2], strict=True)}
    held = meant if hand is None else meant & set(hand)
    return sorted(hash for hash, _ in held)


def take_over(client: redis.Redis, hub: str, beacon_id: str, token: str) -> None:
    """From now on this connection is the beacon's: it has been heard, and an older connection hears that its time is over."""
    pipe = client.pipeline(transaction=False)
    pipe.set(keys.connection(hub, beacon_id), token, ex=CONNECTION_SECONDS)
    pipe.hset(keys.presence(hub), beacon_id, now_ms())
    pipe.publish(keys.CALLS, orjson.dumps({"Inboxes": [keys.inbox(hub, beacon_id)], "Taken": beacon_id, "Hub": hub, "Token": token}))
    pipe.execute()


def call(client: redis.Redis, hub: str, beacon_id: str) -> None:
    """Have whoever holds the beacon's socket look into its inbox."""
    client.publish(keys.CALLS, orjson.dumps({"Inboxes": [keys.inbox(hub, beacon_id)]}))


def is_newest(client: redis.Redis, hub: str, beacon_id: str, token: str) -> bool:
    """Whether no other connection of the beacon is newer. An empty broker knows of none."""
    found: Any = client.get(keys.connection(hub, beacon_id))
    return found is None or found.decode() == token


def gone(client: redis.Redis, hub: str, beacon_id: str, token: str, since_ms: int) -> bool:
    """Say that the beacon is gone if this was its newest connection and it was not heard of since. Whether that was so."""
    names = (keys.connection(hub, beacon_id), keys.presence(hub))
    return bool(client.eval(_GONE, len(names), *names, token, beacon_id, since_ms))


def put_back(client: redis.Redis, hub: str, beacon_id: str, item: dict[str, Any]) -> None:
    """Make the item the next one again."""
    client.lpush(keys.inbox(hub, beacon_id), orjson.dumps(item))


def line_is_cut(line: socket.socket | None) -> bool:
    """Whether the client has hung up. None, where the server does not show its sockets: nobody knows, so no."""
    if line is None:
        return False
    try:
        return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
