"""`ultravisor databeacon`: serves foreign databases from this host, as a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from schema.errors import BadSettings
from schema.settings import Settings
from ultravisor import here
from ultravisor.runtime import folder
from ultravisor.runtime.services import exported


def command(name: str, processes: int) -> list[str]:
    """The worker that a databeacon is."""
    worker = ["--quiet", "-A", "tasks.worker", "worker", "-n", f"databeacon.{name}@%h", "-Q", "gateway", "--concurrency", str(processes)]
    return [sys.executable, "-m", "celery", *worker, "--without-gossip", "--without-mingle", "-E", "--loglevel", "WARNING"]


@click.command()
@click.option("--name", default="", metavar="NAME", help="What it is called; connections name it. Default: UV_DATABEACON.")
@click.option("--processes", type=click.IntRange(1, 64), help="Worker processes. Default: UV_GATEWAY_PROCESSES.")
def databeacon(name: str, processes: int | None) -> None:
    """Serve the connections that name this databeacon, and be a beacon of the hub.

    Needs the hub's DATABASE_URL, REDIS_URL, UV_HUB and UV_SECRET_KEY, and reaches the databases itself.
    """
    chosen = here.settings({**os.environ, **({"UV_DATABEACON": name} if name else {})})
    if not chosen.databeacon:
        raise BadSettings("A databeacon needs a name: --name, or UV_DATABEACON. The hub has one without a name already.")
    _run(chosen, processes or chosen.gateway_processes)


def _run(chosen: Settings, processes: int) -> None:
    folder.prepare(Path(chosen.data))
    # It takes our place: signals reach it, and its exit code is ours. SIGTERM ends it in seconds, as in the Procfile.
    environment = exported(chosen) | {"REMAP_SIGTERM": "SIGQUIT"}
    words = command(chosen.databeacon, processes)
    click.echo(f"databeacon {chosen.databeacon} serves hub {chosen.hub}")
    sys.stdout.flush()
    os.chdir(Path(__file__).parents[2])
    os.execve(words[0], words, environment)  # noqa: S606 - no shell is wanted here
