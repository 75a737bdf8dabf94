"""The Celery app: queues, schedule, and the one place that ties commands to verbs."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from random import uniform
from typing import Any

import structlog
from celery import Celery, signals
from celery.exceptions import Reject
from kombu import Queue
from kombu.exceptions import OperationalError

from schema import envelope as keys
from schema.base import Command
from schema.content.commands import DropUpload, SealUpload, StoreChunk, SweepContent
from schema.hub.board_commands import SampleQueue
from schema.hub.commands import (
    AttachArtifact,
    CancelRunWork,
    CancelWork,
    CompleteBatch,
    CompleteWork,
    DeregisterBeacon,
    DispatchWork,
    DropActionDefaults,
    EndRun,
    EnqueueBatch,
    EnqueueWork,
    FailWork,
    GreetBeacon,
    LoseBeacon,
    MoveLine,
    OfferAgain,
    PauseBeacon,
    PauseCapability,
    ProgressBatch,
    ProgressWork,
    RegisterBeacon,
    RetainWork,
    SetActionDefaults,
    StartRun,
    SuspectBeacon,
    Tick,
)
from schema.hub.probe_commands import NoteProbes, ProbeBeacons
from schema.hub.rules.sampling import SLOT_SECONDS
from schema.ledger.commands import DiscardDeadLetter, ReplayDeadLetter, Retain
from schema.runs import commands as runs
from schema.settings import Settings
from tasks import ending, flushing, log, migrations, reconnect, serving, unit, vault
from tasks import sweep as sweeping
from tasks.access import verbs as access
from tasks.bridge import beginning
from tasks.bridge import verbs as bridge
from tasks.bridge import watching as mirroring
from tasks.content.drop import drop
from tasks.content.seal import seal
from tasks.content.store import store
from tasks.content.sweep import sweep as sweep_content
from tasks.failures import Overtime, is_transient
from tasks.frame import Foresight, Verb
from tasks.gateway import opening
from tasks.gateway import verbs as gateway
from tasks.hub import board, probing
from tasks.hub import enqueue as enqueuing
from tasks.hub import presence as watching
from tasks.hub.attach import attach
from tasks.hub.batches import complete_batch, enqueue_batch, progress_batch
from tasks.hub.cancel import cancel
from tasks.hub.cancel_run import cancel_run
from tasks.hub.complete import complete
from tasks.hub.defaults import drop_defaults, set_defaults
from tasks.hub.deregister import deregister
from tasks.hub.dispatch import dispatch_work
from tasks.hub.fail import fail
from tasks.hub.items import foresee
from tasks.hub.lose import greet, lose, suspect
from tasks.hub.move_line import move_line
from tasks.hub.offer_again import offer_again
from tasks.hub.pause import pause_beacon, pause_capability
from tasks.hub.probe import note_probes, probe_beacons
from tasks.hub.progress import progress
from tasks.hub.register import register
from tasks.hub.retain import retain_work
from tasks.hub.runs import end_run, start_run
from tasks.hub.tick import tick
from tasks.kernel import Kernel, broker
from tasks.ledger.discard import discard
from tasks.ledger.replay import replay
from tasks.ledger.retain import retain
from tasks.mesh import joining
from tasks.overtime import limited
from tasks.runs import clock as running
from tasks.runs import execute as executing
from tasks.runs import exercises, firing, operations, reports, schedules
from tasks.runs.abandon import abandon, abandon_stale, halt
from tasks.runs.answer import answer
from tasks.runs.force_error import force_error
from tasks.runs.listening import buried, operations_brought, work_ended
from tasks.runs.retry import fork, retry
from tasks.runs.start import foresee_many, start, start_batch, start_many
from tasks.runs.tick import tick as runs_tick
from tasks.runs.tidy import tidy
from tasks.unit import Listener

logger = structlog.get_logger()

#: The whole of what the product can change, by the name that lies in journals.
VERBS: Mapping[str, Verb] = {
    **gateway.VERBS,
    ReplayDeadLetter.name: replay,
    DiscardDeadLetter.name: discard,
    Retain.name: retain,
    StoreChunk.name: store,
    SealUpload.name: seal,
    DropUpload.name: drop,
    SweepContent.name: sweep_content,
    **access.VERBS,
    RegisterBeacon.name: register,
    DeregisterBeacon.name: deregister,
    GreetBeacon.name: greet,
    SuspectBeacon.name: suspect,
    LoseBeacon.name: lose,
    PauseBeacon.name: pause_beacon,
    PauseCapability.name: pause_capability,
    StartRun.name: start_run,
    EndRun.name: end_run,
    EnqueueWork.name: enqueuing.enqueue,
    EnqueueBatch.name: enqueue_batch,
    CancelWork.name: cancel,
    SetActionDefaults.name: set_defaults,
    DropActionDefaults.name: drop_defaults,
    ProgressWork.name: progress,
    ProgressBatch.name: progress_batch,
    CompleteWork.name: complete,
    CompleteBatch.name: complete_batch,
    FailWork.name: fail,
    AttachArtifact.name: attach,
    OfferAgain.name: offer_again,
    MoveLine.name: move_line,
    DispatchWork.name: dispatch_work,
    **board.VERBS,
    ProbeBeacons.name: probe_beacons,
    NoteProbes.name: note_probes,
    Tick.name: tick,
    RetainWork.name: retain_work,
    **bridge.VERBS,
    CancelRunWork.name: cancel_run,
    runs.SaveOperation.name: operations.save_operation,
    runs.DeleteOperation.name: operations.delete_operation,
    runs.SaveTemplate.name: operations.save_template,
    runs.DeleteTemplate.name: operations.delete_template,
    runs.StartOperation.name: start,
    runs.StartBatch.name: start_batch,
    runs.StartMany.name: start_many,
    runs.GoOn.name: reports.go_on,
    runs.NodeFinished.name: reports.node_finished,
    runs.AnswerInput.name: answer,
    runs.ForceError.name: force_error,
    runs.AbandonRun.name: abandon,
    runs.AbandonStale.name: abandon_stale,
    runs.HaltRun.name: halt,
    runs.RetryRun.name: retry,
    runs.ForkRun.name: fork,
    runs.RunsTick.name: runs_tick,
    runs.SaveSchedule.name: schedules.save_schedule,
    runs.DeleteSchedule.name: schedules.delete_schedule,
    runs.SwitchSchedule.name: schedules.switch_schedule,
    runs.SwitchSchedules.name: schedules.switch_schedules,
    runs.FireSchedules.name: firing.fire,
    runs.OccurrenceEnded.name: firing.occurrence_ended,
    runs.TrimOccurrences.name: firing.trim_occurrences,
    runs.BeginExercise.name: exercises.begin_exercise,
    runs.EndExercise.name: exercises.end_exercise,
}

#: What a batch reads ahead for its commands, by the same names.
FORESIGHTS: Mapping[str, Foresight] = {
    **dict.fromkeys((ProgressWork.name, ProgressBatch.name, CompleteWork.name, CompleteBatch.name, FailWork.name, AttachArtifact.name), foresee),
    **dict.fromkeys((CancelWork.name, *board.NAMING), foresee),
    **dict.fromkeys((EnqueueWork.name, EnqueueBatch.name), enqueuing.foresee),
    **dict.fromkeys((runs.NodeFinished.name, runs.GoOn.name, runs.StartOperation.name), reports.foresee),
    runs.StartMany.name: foresee_many,
}

#: Who hears what another domain has done, within its unit.
LISTENERS: Mapping[str, Listener] = {"hub.work_ended": work_ended, "ledger.buried": buried, "hub.operations_brought": operations_brought}

settings = Settings.read(os.environ)

#: Seconds after which a running flush is interrupted. Five tries and their pauses stay below the 30 s that a poison command may hold its lane.
FLUSH_SECONDS = 4
#: Seconds after which a flush that does not listen to its interruption ends with its process.
HANGING_SECONDS = 12

#: Milliseconds that an idle flush keeps its place. Where one flush serves all lanes nobody else needs the place; where each lane has
#: its own flush, their neighbours do.
LINGER_MS = {True: 200, False: 20}

#: What carries nothing and is missed by nobody is acknowledged before it is carried out. When celery loses the broker, it kills whatever
#: it could not acknowledge later: a flush in the middle of its work, and with it now and then the worker.
DOORBELL: dict[str, Any] = {"acks_late": False}

app = Celery("ultravisor", amqp=reconnect.AMQP)
app.steps["worker"].add(ending.LastResort)
app.conf.update(
    broker_url=settings.broker_url,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # for ever: a broker that comes back must find its workers
    broker_transport_options={"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 2, "socket_keepalive": True},
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_create_missing_queues=False,  # a typo must be an error, not a silent queue that nobody serves
    task_queues=[Queue(name) for name in ("flush", "execute", "spawn", serving.QUEUE)],
    task_default_queue="flush",
    task_publish_retry_policy={"max_retries": 2, "interval_start": 0.05, "interval_step": 0.2, "interval_max": 0.5},
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=3,  # a flush hands over after 2 s
    worker_enable_soft_shutdown_on_idle=False,  # it would save messages that nobody misses, at the price of the whole time at every stop
    worker_hijack_root_logger=False,
    worker_send_task_events=True,
    timezone="UTC",
    beat_schedule={
        # Each expires before two more of its kind could wait: without a worker nothing piles up.
        "sweep": {"task": "sweep", "schedule": 2.0, "options": {"expires": 4}},
        "presence": {"task": "presence", "schedule": 1.0, "options": {"expires": 2}},
        "runs": {"task": "runs", "schedule": 1.0, "options": {"expires": 2}},
        "sample": {"task": "sample", "schedule": float(SLOT_SECONDS), "options": {"expires": SLOT_SECONDS}},
        "retention": {"task": "retention", "schedule": 3600.0, "options": {"expires": 3600}},
    },
)


def ring(group: str, delay: float) -> None:
    """Send the doorbell message. Lost or doubled it does no harm; late, the sweep rings again."""
    try:
        # The queue as an object, which its type does not know: those of single connections are in no list.
        queue: Any = Queue(keys.queue_of(group))
        app.send_task("flush", args=[group], queue=queue, countdown=delay or None, expires=delay + 10)
    except OperationalError as error:  # a flush that has committed must go on without its messenger
        logger.warning("ring_failed", group=group, error=repr(error))


def call(task: str, arguments: tuple[Any, ...], seconds: float) -> None:
    """Send the message for a task that touches the world. Lost or doubled it does no harm; the clock rings again."""
    limits: dict[str, Any] = {"soft_time_limit": max(seconds, 1.0), "time_limit": max(seconds, 1.0) + 5}
    try:
        app.send_task(task, args=list(arguments), queue="execute", expires=seconds + 60, **limits)
    except OperationalError as error:
        logger.warning("ring_failed", group=task, error=repr(error))


@lru_cache(maxsize=1)
def _kernel(pid: int) -> Kernel:
    log.configure(settings)
    gc.freeze()  # the code that is loaded by now never becomes garbage: collections under load need not walk it
    engine, client = unit.connect(settings.database_url), broker(settings.redis_url)
    own: dict[str, Any] = {"linger_ms": LINGER_MS[settings.one_writer], "foresights": FORESIGHTS, "listeners": LISTENERS, "call": call}
    return Kernel(settings, engine, client, VERBS, ring, open=opening.foreign, listen=_listen, **own)


def _listen(events: Sequence[Sequence[Any]]) -> None:
    """Have the databeacons serve what has just been made or given to another."""
    for topic, event in events:
        if topic == "gateway" and event["Topic"] in ("connection.created", "connection.edited"):
            serving.call(app, event["Payload"]["IDBeaconConnection"], event["Payload"]["Databeacon"])


def kernel() -> Kernel:
    """This process's kernel; made after the fork, for connections must not be shared with the parent."""
    return _kernel(os.getpid())


def _pause(retries: int) -> float:
    return min(0.1 * 2.0 ** min(retries, 6), 5.0) * uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


@app.task(name="flush", **DOORBELL, bind=True, max_retries=None)
def flush(self: Any, group: str) -> None:
    """Carry out what waits in the group's lanes."""
    try:
        migrations.require(kernel().engine)
        seconds = max(FLUSH_SECONDS, keys.seconds_of(group))
        with limited(seconds, seconds + HANGING_SECONDS - FLUSH_SECONDS):
            flushing.flush(kernel(), group, f"{os.getpid()}:{self.request.id}")
    except Overtime:
        # It may have come in the middle of a call: what is left of the answer must not be taken for the next one.
        kernel().redis.connection_pool.disconnect()
        raise
    except Exception as error:
        if not is_transient(error):
            raise
        logger.warning("flush_delayed", group=group, error=repr(error), retries=self.request.retries)
        with suppress(Reject):  # the broker is away: the sweep rings when it is back
            raise self.retry(exc=error, countdown=_pause(self.request.retries), queue=Queue(keys.queue_of(group))) from error


def _round(step: Callable[[Kernel], object]) -> None:
    """One round of the clock. What passes by itself is left to the next round, in a line and not in a traceback."""
    try:
        migrations.require(kernel().engine)
        step(kernel())
    except Exception as error:
        if not is_transient(error):
            raise
        logger.warning("round_skipped", error=repr(error))


@app.task(name="sweep", **DOORBELL)
def sweep() -> None:
    """Ring for what waits."""
    _round(lambda of: serving.remind(app, of, [*sweeping.sweep(of), *mirroring.wake_all(of)]))


@app.task(name="presence", **DOORBELL)
def presence() -> None:
    """Look after beacons and what is due."""
    _round(watching.presence)


@app.task(name="runs", **DOORBELL)
def runs_round() -> None:
    """Look after runs: what is due, and tasks that nobody has begun with."""
    _round(running.watch)


@app.task(name="execute", **DOORBELL)
def execute(id: str, execution: int, attempt: int) -> None:
    """Carry out a task of an operation."""
    _round(lambda of: executing.execute(of, id, execution, attempt))


@app.task(name="probe", **DOORBELL)
def probe(beacon_ids: list[str]) -> None:
    """Try to reach beacons where they say that they listen."""
    _round(lambda of: probing.probe_all(of, beacon_ids))


@app.task(name="tidy_run", **DOORBELL)
def tidy_run(run_hash: str) -> None:
    """Remove the folder of a run that is over."""
    tidy(kernel(), run_hash)


@app.task(name="sample", **DOORBELL)
def sample() -> None:
    """Have it written down how the queue stands."""
    _round(lambda of: sweeping.ask(of, SampleQueue(hub=of.settings.hub)))


@app.task(name="retention", **DOORBELL)
def retention() -> None:
    """Delete what has been kept long enough."""
    _round(lambda of: sweeping.ask(of, *_old(of.settings), *mirroring.sweeps(of)))


def _old(chosen: Settings) -> tuple[Command, ...]:
    return Retain(), SweepContent(), retaining(chosen), runs.TrimOccurrences(hub=chosen.hub)


def retaining(chosen: Settings) -> RetainWork:
    """What the operator wants to be removed."""
    return RetainWork(
        hub=chosen.hub, days=chosen.retention_days, canceled_days=chosen.retention_canceled_days, failed_days=chosen.retention_failed_days
    )


@app.task(name="migrate", bind=True, max_retries=None)
def migrate(self: Any) -> None:
    """Bring the database to the schema of this release."""
    try:
        migrations.upgrade(kernel().engine)
        beginning.begin(kernel())
    except Exception as error:
        if not is_transient(error):
            raise
        raise self.retry(exc=error, countdown=_pause(self.request.retries)) from error


@signals.worker_ready.connect
def _begin(sender: Any, **_: Any) -> None:
    vault.key_of(settings)  # made at the first start: the web process seals with it
    app.send_task("migrate", expires=60)
    if serving.begin(sender, settings):
        joining.begin(settings, ring)


@signals.worker_shutting_down.connect
def _leave(**_: Any) -> None:
    joining.leave()
