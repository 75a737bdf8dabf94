"""A worker outlives its broker: what celery and kombu 5.7.0 do not manage by themselves.

When the broker goes while messages are unacknowledged, the worker closes the channel twice. The first time fails at the poll that
was cut; the second time wants to put the messages back over a connection that is given up already, and dies of an AttributeError:
an unrecoverable error, which ended the worker with each SIGKILL of Redis. There is nothing to put back to. The messages lie in the
broker's own list of unacknowledged ones, and the sweep rings again.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class QoS(redis.QoS):
    """Keeps account of unacknowledged messages, and lets them be once their connection is gone."""

    def restore_unacked(self, client: Any = None) -> Any:
        transport = self.channel.connection
        if transport.client is None:
            return None
        return super().restore_unacked(client)


def install() -> None:
    """To be called before the first connection is made; without a meaning for brokers other than Redis."""
    redis.Channel.QoS = QoS
