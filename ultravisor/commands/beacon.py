"""`ultravisor beacon`: a beacon beside the hub."""

from __future__ import annotations

import os
import sys

import click

from ultravisor import here


def arguments(given: tuple[str, ...], environment: dict[str, str], url: str) -> list[str]:
    """What the beacon is started with: as given, with this hub's address unless one is named.

    >>> arguments(("--provider", "Shell"), {}, "http://127.0.0.1:54321")
    ['--server', 'http://127.0.0.1:54321', '--provider', 'Shell']
    >>> arguments(("--server=http://elsewhere:1",), {}, "http://127.0.0.1:54321")
    ['--server=http://elsewhere:1']
    """
    named = any(word == "--server" or word.startswith("--server=") for word in given) or environment.get("UV_BEACON_SERVER")
    return list(given) if named else ["--server", url, *given]


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("given", nargs=-1, type=click.UNPROCESSED, metavar="[FLAGS]...")
def beacon(given: tuple[str, ...]) -> None:
    """Run a beacon for this hub; the flags are those of `python -m beacon`."""
    command = [sys.executable, "-m", "beacon", *arguments(given, dict(os.environ), here.url(here.settings().address))]
    sys.stdout.flush()
    # It takes our place: signals reach it, and its exit code is ours.
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted here
