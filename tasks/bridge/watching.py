"""Ring for followers that have work and do not know it: calls are lost with the broker, and a database that was restored says so to nobody."""

from __future__ import annotations

import sqlalchemy as sa

from schema import envelope as keys
from schema.bridge.commands import SweepTarget
from schema.bridge.tables import assignment
from schema.ledger.tables import feed
from tasks.kernel import Kernel
from tasks.unit import look

#: Seconds after which a follower that has nothing to do looks all the same whether its mark is still where it left it.
LOOK_SECONDS = 60

_KEPT = (assignment.c.retention_days > 0) | (assignment.c.cancelled_retention_days > 0)
_BOUNDED = sa.select(assignment.c.hub, assignment.c.connection_id).where(
    assignment.c.state == "bootstrapped", _KEPT, assignment.c.legal_hold.is_(False)
)
_FEEDS = sa.select(feed.c.hub, feed.c.reader, feed.c.last)


def wake_all(kernel: Kernel) -> list[str]:
    """Ring for each follower that is behind, or has not looked for a while, and that nobody holds back. Returns those."""
    with look(kernel.engine) as control:
        feeds = control.execute(_FEEDS).all()
    idle = []
    for hub, reader, last in feeds:
        pipe = kernel.redis.pipeline(transaction=False)
        pipe.exists(keys.lease(reader), keys.hold(reader))
        pipe.hmget(keys.mirror(hub), "position", "connection", "copying")
        pipe.set(f"{keys.mirror(hub)}:looked", "1", nx=True, ex=LOOK_SECONDS)
        busy, (position, connection, copying), look_again = pipe.execute()
        known = position is not None and int(position) >= last and not copying and connection == reader.split("/")[1].encode()
        if not busy and (look_again or not known):
            kernel.ring(reader, 0)
            idle.append(reader)
    return idle


def sweeps(kernel: Kernel) -> list[SweepTarget]:
    """What shall be deleted over there, for each hub that does not keep its rows for ever."""
    with look(kernel.engine) as control:
        return [SweepTarget(hub=row.hub, connection=row.connection_id) for row in control.execute(_BOUNDED)]
