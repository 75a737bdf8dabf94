"""Look after runs: what is due, and tasks whose doorbell was lost or whose worker has died. Finds; the lanes change."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema import envelope as keys
from schema.base import Command
from schema.runs.commands import FireSchedules, RunsTick
from schema.runs.tables import node, schedule, scheduling
from tasks.kernel import Kernel
from tasks.sweep import ask
from tasks.unit import look

#: A task that nobody has begun with after this time is rung for again.
LATE = timedelta(seconds=5)
#: Tasks that one round rings for.
MOST = 500

_DUE = sa.select(node.c.shard).where(node.c.hub == sa.bindparam("of_hub"), node.c.due_at <= sa.bindparam("now")).distinct()
_LATE = (
    sa.select(node.c.id, node.c.execution, node.c.attempt, node.c.started_at, node.c.due_at)
    .where(node.c.hub == sa.bindparam("of_hub"), node.c.status == "Executing", node.c.asked_at < sa.bindparam("before"))
    .order_by(node.c.asked_at)
    .limit(MOST)
)
_STOPPED = sa.exists().where(scheduling.c.hub == sa.bindparam("of_hub"), scheduling.c.running.is_(False))
_FIRE = sa.select(sa.literal(1)).where(
    sa.exists().where(schedule.c.hub == sa.bindparam("of_hub"), schedule.c.active.is_(True), schedule.c.next_at <= sa.bindparam("now")), ~_STOPPED
)


def watch(kernel: Kernel) -> list[Command]:
    """Append a tick for each lane in which something is due, have schedules fired, and ring for late tasks. Returns what it has asked for."""
    now, hub = kernel.now(), kernel.settings.hub
    with look(kernel.engine) as connection:
        shards = list(connection.execute(_DUE, {"of_hub": hub, "now": now}).scalars())
        fire = connection.execute(_FIRE, {"of_hub": hub, "now": now}).scalar()
        late = list(connection.execute(_LATE, {"of_hub": hub, "before": now - LATE}))
    ticks: list[Command] = [RunsTick(hub=hub, shard=shard) for shard in sorted(shards)]
    if fire:
        ticks.append(FireSchedules(hub=hub))
    ask(kernel, *ticks)
    for row in late:
        if not kernel.redis.exists(keys.doing(f"{row.id}:{row.execution}:{row.attempt}")):
            seconds = (row.due_at - now).total_seconds() if row.due_at else 3_600.0
            kernel.call("execute", (row.id, row.execution, row.attempt), max(seconds, 1.0))
    return ticks
