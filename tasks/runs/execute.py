"""Carry out a task that touches the world, outside of any transaction, and report its end to its run's lane.

The row is the truth and the message only a doorbell: a task is carried out by whoever takes its lease, and by somebody else when that one
dies. What it does may then be done twice, as with any work that is not the database's own; its report counts once, for it is fenced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any

import sqlalchemy as sa
import structlog
from celery.exceptions import SoftTimeLimitExceeded

from schema import envelope as keys
from schema.base import Actor, Command
from schema.envelope import Envelope
from schema.outcome import Outcome, decode
from schema.runs.commands import NodeFinished
from schema.runs.rules.storing import trouble_with
from schema.runs.tables import node, run
from tasks import outbox
from tasks.kernel import Kernel
from tasks.rows import Row
from tasks.runs.world import files, gateway, http, platform, shell
from tasks.runs.world.place import Place, WorldError
from tasks.sweep import ask
from tasks.unit import look

log = structlog.get_logger()

#: Milliseconds after which the lease of a worker that says nothing is over, and seconds between its renewals.
LEASE_MS, RENEW_SECONDS = 10_000, 3.0
#: How long it stays known that a task has been reported.
DONE_MS = 60_000
#: Beginnings after which a task counts as one that kills its worker.
TRIES = 3

#: Seconds of one wait for another lane's answer: below the time after which a connection to the broker counts as dead.
LISTEN_SECONDS = 2.0

#: How each type is carried out.
PERFORMERS = {**files.PERFORMERS, **http.PERFORMERS, **gateway.PERFORMERS, **shell.PERFORMERS, **platform.PERFORMERS}

_TASK = sa.select(node, run.c.actor).join(run, run.c.run_hash == node.c.run_hash).where(node.c.id == sa.bindparam("of_id"))


def execute(kernel: Kernel, id: str, execution: int, attempt: int) -> bool:
    """Carry the task out, unless somebody else does or nobody waits for it any more. Returns whether it was reported."""
    name = f"{id}:{execution}:{attempt}"
    with _leased(kernel, name) as mine:
        row = _row(kernel, id, execution, attempt) if mine else None
        if row is None:
            return False
        tries: Any = kernel.redis.incr(keys.task_tries(name))
        kernel.redis.expire(keys.task_tries(name), 86_400)
        if tries > TRIES:
            report = {"outputs": {}, "error": f"Each of {TRIES} workers that began with it has died."}
        else:
            report = perform(kernel, row)
        trouble = trouble_with(report)
        if trouble:
            report = {"outputs": {}, "error": f"What {row['type']} brings cannot be stored: {trouble}."}
        _report(kernel, row, report)
        # Until the report is in SQL the row still says that somebody is to do it: a second message must find that it is done.
        kernel.redis.set(keys.doing(name), "done", px=DONE_MS)
        kernel.redis.delete(keys.task_tries(name))
        return True


def _row(kernel: Kernel, id: str, execution: int, attempt: int) -> Row | None:
    with look(kernel.engine) as connection:
        row = connection.execute(_TASK, {"of_id": id}).mappings().one_or_none()
    return row if row is not None and (row["status"], row["execution"], row["attempt"]) == ("Executing", execution, attempt) else None


def perform(kernel: Kernel, row: Row) -> dict[str, Any]:
    """What the report says: outputs and event, or the error."""
    settings = dict(row["settings"] or {})
    place = Place(settings.pop("StagingPath", ""), kernel.settings, kernel.engine, row["hub"], partial(_asked, kernel, row))
    try:
        event, outputs = PERFORMERS[row["type"]](settings, place)
    except WorldError as error:
        return {"outputs": error.outputs, "error": str(error)[:2_000], "again": error.again}
    except (OSError, UnicodeError, ValueError) as error:
        return {"outputs": {}, "error": f"{type(error).__name__}: {error}"[:2_000], "again": isinstance(error, OSError)}
    except SoftTimeLimitExceeded:
        return {"outputs": {}, "error": "The time of the task is over.", "again": True}
    except Exception as error:
        log.exception("task_failed", type=row["type"], run=row["run_hash"], node=row["node_hash"])
        return {"outputs": {}, "error": f"The hub made a mistake: {error!r}"[:2_000]}
    return {"outputs": outputs, "event": event}


def _asked(kernel: Kernel, row: Row, command: Command, seconds: float) -> Outcome:
    """The outcome of a command of another lane, for one attempt once. Raises WorldError when there is none in time."""
    key = f"task:{row['id']}:{row['execution']}:{row['attempt']}"
    envelope = Envelope(kernel.new_id(), command, Actor.parse(row["actor"]), kernel.now(), waited=True, key=key)
    outbox.append(kernel, [(command.lane, keys.encode(envelope))])
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0:
        told: Any = kernel.redis.blpop([keys.reply(envelope.id)], timeout=min(left, LISTEN_SECONDS))
        if told:
            return decode(told[1])
    raise WorldError("There was no answer in time.", again=True)


def _report(kernel: Kernel, row: Row, report: dict[str, Any]) -> None:
    fence = {"run_hash": row["run_hash"], "node_hash": row["node_hash"], "execution": row["execution"], "attempt": row["attempt"]}
    ask(kernel, NodeFinished(hub=row["hub"], **fence, log=[], **report))


@contextmanager
def _leased(kernel: Kernel, name: str) -> Iterator[bool]:
    """Hold the task's lease while the block runs; yields False when another worker has it."""
    key = keys.doing(name)
    if not kernel.redis.set(key, "1", nx=True, px=LEASE_MS):
        yield False
        return
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            kernel.redis.pexpire(key, LEASE_MS)

    holder = threading.Thread(target=renew, name="lease", daemon=True)
    holder.start()
    try:
        yield True
    finally:
        over.set()
        holder.join()
        if kernel.redis.get(key) == b"1":
            kernel.redis.delete(key)
