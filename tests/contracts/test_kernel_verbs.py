"""Every command has its verb, and every verb its command."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import schema
from schema.base import COMMANDS, LANES
from tasks import worker


def test_the_worker_knows_a_verb_for_each_command_and_no_other() -> None:
    for module in pkgutil.walk_packages(schema.__path__, "schema."):
        import_module(module.name)
    declared = {name for name, command in COMMANDS.items() if command.__module__.startswith("schema.")}
    assert set(worker.VERBS) == declared
    assert set(worker.FORESIGHTS) <= declared


def test_each_command_is_called_after_its_domain() -> None:
    for name, command in COMMANDS.items():
        if command.__module__.startswith("schema."):
            assert name.partition(".")[0] == command.__module__.split(".")[1]
            assert name.partition(".")[0] in LANES
