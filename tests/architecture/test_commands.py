"""Every command has its verb, and every verb its command."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import schema
from schema.base import COMMANDS, LANES, kind_of


def ours() -> set[str]:
    """Commands that the product declares; tests declare some of their own."""
    for module in pkgutil.walk_packages(schema.__path__, "schema."):
        import_module(module.name)
    return {name for name, made in COMMANDS.items() if made.__module__.startswith("schema.")}


def test_the_set_of_commands_is_the_set_of_verbs() -> None:
    from tasks.worker import VERBS  # here, because it reads the environment

    assert ours() == set(VERBS)


def test_a_name_says_whose_command_it_is() -> None:
    assert {name: name.partition(".")[0] for name in ours()} == {name: COMMANDS[name].__module__.split(".")[1] for name in ours()}


def test_each_lane_kind_is_flushed_by_a_queue_that_workers_serve() -> None:
    from tasks.worker import app

    served = {queue.name for queue in app.conf.task_queues}
    assert {kind_of(prefix).queue for prefix in LANES} <= served
