"""A beacon's contact: signs of life and the inbox. Transport only, all of it in the broker; no row changes here."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from time import time
from typing import Any

import orjson
import redis

from app.broker import Broker
from schema import envelope as keys


def touch(client: redis.Redis, hub: str, beacon_id: str, hand: Sequence[tuple[str, int]] | None = None) -> None:
    """Note that the beacon has been heard, and what it says that it works on. The clock's round draws the consequences."""
    now = int(time() * 1000)
    pipe = client.pipeline(transaction=False)
    pipe.hset(keys.presence(hub), beacon_id, now)
    if hand is not None:
        pipe.hset(keys.hands(hub), beacon_id, orjson.dumps([now, list(hand)]))
    pipe.execute()


def last_contacts(client: redis.Redis, hub: str, beacon_ids: Sequence[str]) -> dict[str, int]:
    """Milliseconds since 1970 of each beacon's last contact, as far as the broker knows."""
    if not beacon_ids:
        return {}
    try:
        found: Any = client.hmget(keys.presence(hub), list(beacon_ids))
    except redis.RedisError:  # the rows alone answer well enough
        return {}
    return {id: int(at) for id, at in zip(beacon_ids, found, strict=True) if at is not None}


def next_item(broker: Broker, hub: str, beacon_id: str, wait_ms: int) -> dict[str, Any] | None:
    """The oldest assignment in the inbox, waiting for one if there is none yet."""
    inbox = keys.inbox(hub, beacon_id)
    message: Any = broker.quick.lpop(inbox)
    if message is None and wait_ms:
        popped: Any = broker.patient.blpop([inbox], timeout=wait_ms / 1000)
        message = popped[1] if popped else None
    if message is None:
        return None
    item: dict[str, Any] = orjson.loads(message)
    return item


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
