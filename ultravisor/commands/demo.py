"""`ultravisor demo`: real work through the whole hub, and the rows that prove it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schema.settings import Settings
from ultravisor import database, here
from ultravisor.demo import evidence, persisting, processes, work
from ultravisor.demo.evidence import Counts, Query
from ultravisor.demo.persisting import Target
from ultravisor.runtime.places import PROJECT


@click.command()
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=PROJECT, help="Whose files are hashed.")
@click.option("--items", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many work items.")
@click.option("--connection", help="Name of the connection in which the rows shall be kept.  [default: the chosen one, else local]")
def demo(folder: Path, items: int, connection: str | None) -> None:
    """Keep the rows in a database, hash the files of a folder on a beacon, count what SQL holds in both. Exit code 1: a count is wrong."""
    console = Console(highlight=False)
    folder = folder.resolve()
    files = work.files_in(folder, items)
    console.print("Looking for a hub …")
    with processes.hub(here.settings(), os.environ) as (settings, ours):
        console.print(f"Hub {'started' if ours else 'found'} at {here.url(settings.address)}, data in {settings.data}")
        target = persisting.assigned(settings, connection)
        console.print(f"Rows are kept in the connection {target.name} ({target.kind}): {target.state}", markup=False)
        done = _work(console, settings, folder, files)
        persisting.await_rows(settings)
        right = all([*_judged(console, settings, target, done)])
        there = persisting.command(settings, target, done[0].run)
    _show_where(console, settings, done[0].run)
    console.print(f"The rows in {target.name} are for any SQL client:\n  {there}", markup=False, soft_wrap=True)
    console.print("[bold green]Every count is right.[/]" if right else "[bold red]A count is wrong.[/]")
    sys.exit(0 if right else 1)


def _work(console: Console, settings: Settings, folder: Path, files: list[Path]) -> list[work.Item]:
    """Start a beacon, have it do all the items, and show how far it is."""
    name = f"demo-{uuid4().hex[:8]}"
    before, began = work.ended(settings), monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with processes.beacon(settings, name, folder) as beacon, Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"sha256 on beacon {name}", total=len(files))

        def tick(done: int | None = None) -> None:
            beacon.check()
            progress.update(bar, completed=work.ended(settings) - before if done is None else done)

        items = work.enqueue_all(settings, files, name, tick)
        work.await_end(settings, len(files), before, tick)
    took = monotonic() - began
    console.print(f"{len(items)} items, each enqueued with its own Idempotency-Key, done in {took:.1f} s")
    return items


def _judged(console: Console, settings: Settings, target: Target, items: list[work.Item]) -> Iterator[bool]:
    """Whether each of the things that can be counted is right; all of them are shown."""
    run = items[0].run
    for query, counts in evidence.counts(settings, run):
        yield _show_counts(console, query, query.of(run), counts, len(items))
    for query, counts in persisting.counts(settings, target, run):
        yield _show_counts(console, query, target.in_words_of(query.of(run)), counts, len(items))
    yield _show_digest(console, settings, items)


def _show_counts(console: Console, query: Query, statement: str, counts: Counts, items: int) -> bool:
    """The SQL and what it says; whether that is as it must be."""
    holds = query.holds(counts, items)
    console.print(f"\n[bold]{query.title}[/]  {'[green]right[/]' if holds else '[bold red]wrong[/]'}")
    console.print(f"  {statement}", style="dim", soft_wrap=True, markup=False)
    for word, count in counts.items():
        console.print(f"  {word:<12} {count:>7}", markup=False)
    return holds


def _show_digest(console: Console, settings: Settings, items: list[work.Item]) -> bool:
    """One result, computed again here."""
    item = max(items, key=lambda item: item.file.stat().st_size)
    stored, true = evidence.stored_digest(settings, item), evidence.true_digest(item)
    console.print(f"\n[bold]digest[/]  {'[green]right[/]' if stored == true else '[bold red]wrong[/]'}")
    console.print(f"  {item.file}\n  stored   {stored}\n  hashlib  {true}", markup=False, soft_wrap=True)
    return stored == true


def _show_where(console: Console, settings: Settings, run: str) -> None:
    """Where the rows are, and how to look at them."""
    file = database.sqlite_file(settings.database_url)
    console.print(f"\nThe rows are in {file or 'the database of DATABASE_URL'}. Look with:", markup=False, soft_wrap=True)
    statement = evidence.QUERIES[0].of(run)
    if file is None:
        console.print(f"  {statement}", markup=False, soft_wrap=True)
    else:
        console.print(f"  sqlite3 -readonly {shlex.quote(str(file))} {quoted(statement)}", markup=False, soft_wrap=True)


def quoted(statement: str) -> str:
    """The statement as one word of a shell; in double quotes where they will do, for its own are single ones."""
    return f'"{statement}"' if not set(statement) & set('"$`\\!') else shlex.quote(statement)
