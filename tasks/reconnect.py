"""Workers and beat outlive their broker, and find it soon after it is back: what celery and kombu 5.7.0 do not manage by themselves."""

from __future__ import annotations

from typing import Any

import kombu
from celery.app import amqp
from kombu.transport import redis
from redis.exceptions import ConnectionError

#: Seconds between two tries to reach the broker: at first, added each time, at most. The library's own pauses grow to 30, and a worker
#: would sleep on for half a minute after an outage is over.
FIRST, STEP, LONGEST = 0.2, 0.2, 2.0


class Channel(redis.Channel):
    """Says that its connection is lost when it is lost.

    A worker gives up a lost connection and then still wants to acknowledge over it, and to put messages back that were not
    acknowledged. The original then finds no address where to connect to, which is an AttributeError and no connection error,
    so nobody is prepared for it: it ended the worker with nearly every SIGKILL of Redis. The messages lie in the broker's own list of
    unacknowledged ones, and the sweep rings again.
    """

    def _connparams(self, asynchronous: bool = False) -> Any:
        if getattr(self.connection, "client", None) is None:
            raise ConnectionError("this connection has been given up")
        return super()._connparams(asynchronous)  # type: ignore[misc]  # the stubs know public names alone


class Transport(redis.Transport):
    """Redis as a broker, over channels of ours."""

    Channel = Channel


class Connection(kombu.Connection):
    """Comes back soon, and over Redis survives its loss."""

    def get_transport_cls(self) -> Any:
        found = super().get_transport_cls()
        return Transport if found is redis.Transport else found

    def _ensure_connection(self, errback: Any = None, max_retries: int | None = None, *pauses: Any, **options: Any) -> Any:
        if not pauses:
            options = {"interval_start": FIRST, "interval_step": STEP, "interval_max": LONGEST} | options
        return super()._ensure_connection(errback, max_retries, *pauses, **options)


class AMQP(amqp.AMQP):
    """Makes connections of ours."""

    Connection = Connection
