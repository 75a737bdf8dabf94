"""`ultravisor exercise`: a load of known size for a hub that runs, and whether the hub is up to it."""

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from schema.runs.commands import BeginExercise, EndExercise
from schema.settings import Settings
from ultravisor import console as orders
from ultravisor import here
from ultravisor.exercises.driving import Drive
from ultravisor.exercises.fleet import fleet
from ultravisor.exercises.plan import SLACK_SECONDS, Exercise, exercise, fleet_of, names


@click.command("exercise")
@click.argument("chosen", nargs=-1, metavar="[NAME]...")
@click.option("--list", "listed", is_flag=True, help="Name the exercises there are.")
@click.option("--time-scale", type=click.FloatRange(0.001, 10), default=1.0, show_default=True, help="0.1: all times are a tenth.")
@click.option(
    "--slack", type=click.FloatRange(0, 3600), default=SLACK_SECONDS, show_default=True, help="Seconds by which small scales let limits grow."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(chosen: tuple[str, ...], listed: bool, time_scale: float, slack: float, as_json: bool) -> None:
    """Put a known load on the hub that runs, with beacons that pretend to work. Exit code 1: a verdict is false, or it did not end."""
    if listed or not chosen:
        _show_list(as_json)
        return
    settings = here.settings()
    wanted = [exercise(name, time_scale, slack) for name in chosen]
    screen = Console(highlight=False, stderr=as_json)
    told: list[dict[str, Any]] = []
    # Those that share a fleet go one after the other, while it stays.
    for _, group in itertools.groupby(wanted, key=lambda each: "" if each.of_operations else each.hash):
        together = list(group)
        with fleet(settings, fleet_of(together[0])) as ours:
            screen.print(f"{ours or 'No'} beacons started", style="dim")
            told += [_carried_out(screen, settings, each, as_json) for each in together]
    if as_json:
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    sys.exit(0 if all(each["Passed"] for each in told) else 1)


def _show_list(as_json: bool) -> None:
    found = [dict(exercise(name).document) for name in names()]
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for each in found:
        click.echo(f"{each['Hash']:<34} {each['IdealDrainSeconds']:>6.1f} s  {each['Description']}")


def _carried_out(screen: Console, settings: Settings, of: Exercise, quiet: bool) -> dict[str, Any]:
    id = uuid4().hex
    orders.done(settings, BeginExercise(hub=settings.hub, id=id, exercise=of.hash, time_scale=of.scale))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=screen)
    with nullcontext() if quiet else progress:
        bar = progress.add_task(of.hash, total=None)
        told = Drive(settings, of, _ticker(progress, bar), mark=id[:8]).carry_out()
    named = {name.lower(): told[name] for name in ("State", "Measured", "Verdicts", "Passed")}
    orders.done(settings, EndExercise(hub=settings.hub, id=id, **named))
    if not quiet:
        _show(screen, of, told)
    return {"ID": id, "Exercise": of.hash, "TimeScale": of.scale, **told}


def _ticker(progress: Progress, bar: TaskID) -> Any:
    def tick(kicked: int, total: int, ended: int) -> None:
        progress.update(bar, total=total, completed=ended, description=f"{kicked} of {total} begun, ended")

    return tick


def _show(screen: Console, of: Exercise, told: dict[str, Any]) -> None:
    """Verdicts and figures, for people."""
    measured = told["Measured"]
    screen.print(f"[bold]{of.hash}[/]  {'[green]' if told['Passed'] else '[bold red]'}{told['State']}[/]")
    for verdict in told["Verdicts"]:
        word = "[green]holds[/]" if verdict["Passed"] else "[bold red]fails[/]"
        screen.print(f"  {word}  {verdict['Name']}: {verdict['Observed']}, expected {verdict['Expected']}")
    screen.print(f"  runs {measured['Runs']}, items {measured['Items']}" if "Runs" in measured else f"  items {measured['Items']}", markup=False)
    screen.print(
        f"  drain {measured['DrainSeconds']:.2f} s, ideal {measured['IdealDrainSeconds']:.2f} s: {measured['OverIdealSeconds']:+.2f} s,"
        f" {measured['OverheadPerItemMs']:+.1f} ms per item of the busiest slot",
        markup=False,
    )
    for name in ("QueueWaitMs", "RunMs", "BeyondAskedMs", "EndToEndMs", "OperationMs"):
        if measured.get(name):
            screen.print(f"  {name:<14} " + "  ".join(f"{word} {value:g}" for word, value in measured[name].items()), markup=False)
