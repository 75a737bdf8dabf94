"""Connections to the journal's Redis, for what is transport: inboxes, presence, event tails. Commands go through `app.dispatch`."""

from __future__ import annotations

from functools import cached_property

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry

from schema.settings import Settings

#: Seconds after which a broker that is there but silent counts as gone.
ANSWER_SECONDS = 5.0
CONNECT_SECONDS = 2.0
#: The longest that anybody blocks on the broker: a long poll of 30 s, a wait of 60 s.
BLOCK_SECONDS = 65.0


def pool(url: str, seconds: float = ANSWER_SECONDS) -> redis.ConnectionPool:
    """Connections that fail in seconds and never try again by themselves: whether a repetition is harmless is known to the caller alone.

    The second protocol and no library name: a new connection costs no round trip of its own.
    """
    return redis.ConnectionPool.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0), protocol=2, driver_info=None
    )


class Broker:
    """One per web process; connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url

    @cached_property
    def quick(self) -> redis.Redis:
        """For commands that answer at once."""
        return redis.Redis(connection_pool=pool(self._url))

    @cached_property
    def patient(self) -> redis.Redis:
        """For commands that block on the server, up to BLOCK_SECONDS."""
        return redis.Redis(connection_pool=pool(self._url, BLOCK_SECONDS))


def broker() -> Broker:
    """The broker of the running app."""
    found: Broker = current_app.extensions["broker"]
    return found
