"""How fast one address may enqueue: a token bucket in the broker. Transport: what it forgets with the broker does no harm."""

from __future__ import annotations

from math import ceil
from typing import Any

from flask import current_app, request

from app.broker import broker
from app.refusing import refuse
from schema import envelope as keys
from schema.settings import Settings

#: KEYS: bucket. ARGV: rate, burst, tokens wanted. Takes them and returns 0, or returns the milliseconds until they are there.
#: The clock is the broker's: web processes of several hosts share the bucket.
_TAKE = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'ms')
local tokens = burst
if held[1] then tokens = math.min(burst, tonumber(held[1]) + (ms - tonumber(held[2])) * rate / 1000) end
local short = math.min(wanted, burst) - tokens
if short > 0 then return math.ceil(short * 1000 / rate) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - wanted), 'ms', ms)
redis.call('PEXPIRE', KEYS[1], math.ceil((burst + wanted) * 1000 / rate) + 1000)
return 0
"""


def admit(items: int = 1) -> None:
    """Let the request enqueue so many items, or refuse it. More than the burst at once are let in when the bucket is full, and owed."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.client_rate:
        return
    client = request.remote_addr or "unknown"
    wait_ms: Any = broker().quick.eval(_TAKE, 1, keys.bucket(client), settings.client_rate, settings.client_burst, items)
    if wait_ms:
        seconds = ceil(wait_ms / 1000)
        refuse("admission_denied", "Admission denied: too many items from this address.", Reason="client_rate_limit", RetryAfterSeconds=seconds)


def limits() -> tuple[int, int, float]:
    """What the operator admits, for the verb that judges it."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.max_queued, settings.soft_queued, settings.min_alive
