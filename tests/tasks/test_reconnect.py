"""What a lost broker does to celery's connections: tests/journeys/test_broker_down.py shows the same with whole workers."""

from __future__ import annotations

from typing import Any

import kombu
import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError

from tasks.reconnect import AMQP, FIRST, LONGEST, Connection
from tasks.worker import app
from tests.services.processes import free_port


def given_up(connection: kombu.Connection) -> Any:
    """A channel without sockets, whose connection is given up: what a killed broker leaves to a worker in the middle of a poll."""
    channel = connection.default_channel
    connection.collect()
    channel._disconnect_pools()
    return channel


def test_whoever_still_uses_a_lost_connection_gets_a_connection_error(redis_url: str) -> None:
    channel = given_up(Connection(redis_url))
    # Anything else ends the worker: celery is prepared for connection errors alone.
    with pytest.raises(ConnectionError):
        _ = channel.pool


def test_the_library_still_needs_this(redis_url: str) -> None:
    """When this fails, tasks.reconnect.Channel has become needless."""
    channel = given_up(kombu.Connection(redis_url))
    with pytest.raises(AttributeError, match=r"client|hostname"):
        _ = channel.pool


def test_the_broker_is_tried_again_soon() -> None:
    pauses: list[float] = []
    connection = Connection(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(OperationalError):
        connection.ensure_connection(errback=lambda _, pause: pauses.append(pause), max_retries=1)
    assert pauses == [FIRST]
    assert LONGEST <= 2


def test_worker_and_beat_connect_this_way() -> None:
    assert app.amqp_cls is AMQP
    assert isinstance(app.connection_for_read(), Connection)
    assert isinstance(app.connection_for_write(), Connection)
