"""The Celery app: what is configured against the traps of reliability.md, and a doorbell whose failure breaks nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schema.base import LANES
from tasks import journal, unit, worker
from tests.services.processes import Process, free_port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_ignore_result", True),
        ("task_create_missing_queues", False),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("worker_prefetch_multiplier", 1),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
        ("broker_connection_max_retries", None),
        ("broker_connection_retry_on_startup", True),
    ],
)
def test_traps_are_avoided(name: str, value: object) -> None:
    assert worker.app.conf[name] == value


def test_a_flush_ends_before_a_worker_that_stops_would_end_it() -> None:
    limit = worker.FLUSH_SECONDS
    assert worker.app.conf.worker_soft_shutdown_timeout > journal.LIFE_SECONDS
    assert worker.HANGING_SECONDS > limit > journal.LIFE_SECONDS
    assert worker.flush.soft_time_limit is worker.flush.time_limit is None, "a worker that looks for its broker finds all flushes to be late"
    assert unit.LOCK_MS < unit.STATEMENT_MS < 1000 * limit, "waiting for a lock is never mistaken for a command that hangs"
    assert worker.flush.max_retries is None, "what passes is tried for ever"


def test_whatever_beat_sends_expires_before_it_piles_up() -> None:
    for name, entry in worker.app.conf.beat_schedule.items():
        assert entry["options"]["expires"] <= max(2 * entry["schedule"], 4), name
        assert entry["task"] in worker.app.tasks


def test_each_lane_has_a_queue_that_exists() -> None:
    queues = {queue.name for queue in worker.app.conf.task_queues}
    assert {kind.queue.partition(".")[0] for kind in LANES.values()} <= queues, "those of single connections are taken up as they are made"
    assert worker.app.conf.task_default_queue in queues


def test_a_doorbell_that_cannot_be_rung_does_not_stop_the_one_who_rings(launch: Callable[..., Process], tmp_path: Path) -> None:
    """A flush that has committed must go on to answer and to trim; the sweep rings later."""
    environment = {"BROKER_URL": f"redis://127.0.0.1:{free_port()}/0", "UV_DATA": str(tmp_path)}
    child = launch(sys.executable, "-c", "from tasks import worker; worker.ring('g', 0); worker.ring('g', 1.5)", env=environment)
    assert child.wait() == 0, child.output
    assert child.output.count("ring_failed") == 2


@pytest.mark.parametrize("retries", range(0, 2_000, 100))
def test_a_pause_is_short_at_first_and_bounded_however_often_it_failed(retries: int) -> None:
    assert 0.05 <= worker._pause(retries) <= 5.0
    assert worker._pause(0) <= 0.1
