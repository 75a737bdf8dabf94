"""Every command has its verb, and every verb its command."""

from __future__ import annotations

from schema.base import COMMANDS, LANES, kind_of
from tests.architecture.house import ours


def test_the_set_of_commands_is_the_set_of_verbs() -> None:
    from tasks.worker import VERBS  # here, because it reads the environment

    assert ours() == set(VERBS)


def test_a_name_says_whose_command_it_is() -> None:
    assert {name: name.partition(".")[0] for name in ours()} == {name: COMMANDS[name].__module__.split(".")[1] for name in ours()}


def test_each_lane_kind_is_flushed_by_a_queue_that_workers_serve() -> None:
    from tasks.worker import app

    served = {queue.name for queue in app.conf.task_queues}  # of `gateway.{0}` the workers of `gateway` take up each one as it is made
    assert {kind_of(prefix).queue.partition(".")[0] for prefix in LANES} <= served
