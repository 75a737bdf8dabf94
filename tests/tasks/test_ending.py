"""A worker that fails is gone, even when it hangs in its own end."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from celery.worker.components import Pool

from tasks import worker
from tasks.ending import LastResort
from tests.services.processes import Process

HANGS = """
from threading import Event
from types import SimpleNamespace
from tasks import ending

ending.SECONDS = 0.1
parent = SimpleNamespace(exitcode={exitcode})
ending.LastResort(parent).stop(parent)
Event().wait({patience})
"""


def test_a_failed_worker_that_hangs_is_ended(launch: Callable[..., Process]) -> None:
    assert launch(sys.executable, "-c", HANGS.format(exitcode=1, patience=None)).wait() == 1


@pytest.mark.parametrize("exitcode", [None, 0])
def test_a_worker_that_is_told_to_stop_takes_its_time(launch: Callable[..., Process], exitcode: int | None) -> None:
    assert launch(sys.executable, "-c", HANGS.format(exitcode=exitcode, patience=0.5)).wait() == 0


def test_it_is_asked_before_the_pool_is_waited_for() -> None:
    assert LastResort in worker.app.steps["worker"]
    assert LastResort.requires == (f"{Pool.__module__}:{Pool.__name__}",)


@pytest.mark.parametrize("name", ["flush", "sweep", "presence", "retention"])
def test_a_doorbell_is_acknowledged_before_it_is_carried_out(name: str) -> None:
    """Celery kills, when it loses the broker, what it could not acknowledge: a flush must come to its own end."""
    assert worker.app.tasks[name].acks_late is False
