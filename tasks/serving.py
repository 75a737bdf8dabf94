"""Which worker serves which foreign database: each has a queue of its own, and the workers that serve such queues take it up while they run.

A worker that consumes the queue `gateway` is a databeacon: it serves the connections that name it, or, without a name, those that name none.
It takes up what there is when it starts, what it is called to, and what the sweep finds waiting: a call may be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from celery import Celery
from celery.worker.control import control_command
from sqlalchemy import exc

from schema.base import CONTROL, kind_of
from schema.gateway.tables import connection
from schema.settings import Settings
from tasks import unit
from tasks.failures import SchemaMissing
from tasks.kernel import Kernel
from tasks.migrations import require

log = structlog.get_logger()

#: What makes a worker a databeacon.
QUEUE = "gateway"
#: The connection that is none: configs that are only tried go there.
UNSAVED = 0

_MINE = sa.select(connection.c.id).where(connection.c.databeacon == sa.bindparam("name"), connection.c.deleted_at.is_(None))


@dataclass(slots=True)
class _Mine:
    """What this worker's main process is."""

    name: str = ""


_mine = _Mine()


def queue_of(connection_id: int) -> str:
    return f"{QUEUE}.{connection_id}"


def begin(consumer: Any, settings: Settings) -> bool:
    """Serve what there is, where this worker is a databeacon; whether it is one. Runs in the worker's main process, which keeps no connection."""
    if QUEUE not in consumer.app.amqp.queues.consume_from:
        return False
    _mine.name = settings.databeacon
    for id in [*([] if settings.databeacon else [UNSAVED]), *_known(settings)]:
        consumer.add_task_queue(queue_of(id))
    return True


def _known(settings: Settings) -> list[int]:
    engine = unit.connect(settings.database_url)
    try:
        require(engine)
        with unit.look(engine) as control:
            return list(control.execute(_MINE, {"name": settings.databeacon}).scalars())
    except (SchemaMissing, exc.DBAPIError) as error:  # the first start: there are none yet, or the sweep will call
        log.info("connections_unknown", error=type(error).__name__)
        return []
    finally:
        engine.dispose()


def call(app: Celery, connection_id: int, databeacon: str) -> None:
    """Have the right databeacon serve a connection from now on. A call that is lost is made good by the sweep."""
    try:
        app.control.broadcast("serve_connection", arguments={"id": connection_id, "databeacon": databeacon})
    except Exception as error:  # noqa: BLE001 - whatever the broker's driver raises: what was committed stays committed
        log.warning("call_failed", connection=connection_id, error=type(error).__name__)


def remind(app: Celery, kernel: Kernel, groups: Sequence[str]) -> None:
    """Call for the connections among these groups, whose lanes wait and which nobody flushes."""
    waiting = {int(group.split("/")[1]) for group in groups if not group.startswith("@") and kind_of(group).database != CONTROL}
    if not waiting:
        return
    with unit.look(kernel.engine) as control:
        named = {
            row.id: row.databeacon for row in control.execute(sa.select(connection.c.id, connection.c.databeacon).where(connection.c.id.in_(waiting)))
        }
    for id in sorted(waiting):
        call(app, id, named.get(id, ""))


@control_command(args=[("id", int), ("databeacon", str)])
def serve_connection(state: Any, id: int, databeacon: str) -> dict[str, str]:
    """Take up a connection's queue where it is ours, give it up where it is not."""
    consumer = state.consumer
    if QUEUE not in state.app.amqp.queues.consume_from:
        return {"ok": "no databeacon"}
    if databeacon == _mine.name:
        consumer.call_soon(consumer.add_task_queue, queue_of(id))
        return {"ok": "served"}
    if queue_of(id) in state.app.amqp.queues.consume_from:
        consumer.call_soon(consumer.cancel_task_queue, queue_of(id))
    return {"ok": "left to another"}
