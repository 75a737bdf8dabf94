"""`ultravisor doctor`: measure what everything else relies on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schema.settings import Settings
from ultravisor import here
from ultravisor.doctor import broker, clocks, database, disk, machine, road
from ultravisor.doctor.finding import Finding, Level, ok, warning, worst
from ultravisor.runtime import bundled, folder

PARTS = (broker, database, disk, clocks, road, machine)
COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything, in the order in which the parts rest on each other. Works on a hub that is down, and says so."""
    pid = folder.holder(Path(settings.data))
    if pid is not None:
        yield ok("hub", f"up, pid {pid}")
    elif bundled.is_bundled(settings):
        yield warning("hub", "down: what needs it running is left out", "Start it with: ultravisor up")
    else:
        yield ok("hub", "not started by `ultravisor up` on this folder; its parts may run elsewhere")
    # With a broker of the operator's, the parts may well run, on other hosts.
    running = pid is not None or not bundled.is_bundled(settings)
    for part in PARTS:
        yield from part.look(settings, running)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Measure broker, database, disk, clocks, lanes and machine. Exit code 0: all is well, 1: warnings, 2: problems."""
    findings = list(examine(here.settings()))
    if as_json:
        rows = [{"subject": f.subject, "level": f.level.name.lower(), "seen": f.seen, "advice": f.advice} for f in findings]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    else:
        _print(findings, Console())
    sys.exit(worst(findings))


def _print(findings: list[Finding], console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        seen = Text(finding.seen)
        if finding.advice:
            seen.append(f"\n{finding.advice}", style="dim")
        table.add_row(Text(finding.level.name.lower(), style=COLOURS[finding.level]), finding.subject, seen)
    console.print(table)
