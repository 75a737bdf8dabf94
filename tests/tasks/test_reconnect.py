"""What a lost broker does to celery's connections: tests/journeys/test_broker_down.py shows the same with whole workers."""

from __future__ import annotations

import pytest
from kombu import Queue
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError

from tasks.reconnect import FIRST, LONGEST, AMQP, Connection
from tasks.worker import app
from tests.services.processes import free_port


def test_an_acknowledgement_over_a_lost_connection_is_a_connection_error(redis_url: str) -> None:
    with Connection(redis_url) as connection:
        queue = Queue("flush")(connection.default_channel)
        queue.declare()
        connection.Producer().publish({}, routing_key="flush")
        message = queue.get()
        assert message is not None
        connection.collect()
        # Anything else ends the worker: celery is prepared for connection errors alone.
        with pytest.raises(ConnectionError):
            message.ack()


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
