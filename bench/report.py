"""The table of a run: for people, for programs, for the manual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from rich.console import Console
from rich.table import Table

from bench.figures import Row

HEADINGS = ("what", "goal", "measured", "ratio", "held")

PAGE = """# Figures

The last run of `script/bench kernel --write`. Ratios are within one run; absolute figures depend on the machine and on who else uses it.

{facts}

{table}

## How it is measured

{how}
"""

HOW = """\
- **kernel**: a journal of 50 000 commands, each of which inserts one row, is flushed in one process. Then the same rows go into
  files of their own by three roads that know nothing of commands. Five rounds, medians. The bare loop does what nobody could leave
  out who takes commands from a stream: fetch, parse, make an id, insert.
- **append to committed answer**: one caller, `hub.enqueue` with its receipt, a worker in processes of its own. A flush keeps its place
  for a moment when nothing waits; after a rest it has let go, so the call rings, and a Celery message starts the next flush.
- **edge**: a driver in a process of its own keeps 16 connections busy with `POST /Beacon/Work/Enqueue`; each answer means that the
  item is committed. Hub and driver share the cores. Depths take turns, five rounds, medians of the rounds' ratios.
- **work**: the hub's verbs in one process; a backlog is enqueued, then given out and completed by one beacon with 1 000 slots.
- **read**: two hubs, a small and a large one, asked in turn on one connection each; medians.
- **memory**: resident size, before the edge's runs and after them.
"""


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    held = {None: "", True: "yes", False: "NO"}[row.held]
    return (row.what, row.goal, row.measured, "" if row.ratio is None else f"{row.ratio:.2f}", held)


def show(about: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print it for people, as wide as it needs to be where nobody watches."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    table = Table(*HEADINGS, title="Figures", caption=", ".join(f"{name} {value}" for name, value in about.items()))
    for row in rows:
        table.add_row(*cells(row), style="red" if row.held is False else None)
    console.print(table)


def as_json(about: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The same for programs."""
    return orjson.dumps({"machine": about, "rows": [row.as_dict() for row in rows]}, option=orjson.OPT_INDENT_2).decode()


def as_page(about: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The manual's page."""
    return PAGE.format(facts=_table(("machine", ""), about.items()), table=_table(HEADINGS, map(cells, rows)), how=HOW.rstrip())


def _table(headings: Sequence[str], lines: object) -> str:
    made = [headings, ["---"] * len(headings), *lines]  # type: ignore[misc]  # any iterable of texts
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in made)
