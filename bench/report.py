"""The table of a run: for people, for programs, for the manual."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from rich.console import Console
from rich.table import Table

from bench.figures import Row

HEADINGS = ("what", "goal", "measured", "ratio", "held")

PAGE = """# Figures

Each table is the last run of its bench with `--write`. Ratios are within one run; absolute figures depend on the machine and on who else uses it.
"""

SECTION = """\
<!-- bench: {name} -->

## {title}

`script/bench {name} --write`

{facts}

{table}

### How it is measured: {name}

{how}

<!-- end of {name} -->
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A bench's part of the manual's page: `name` as on the command line, `how` in Markdown."""

    name: str
    title: str
    how: str


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


def with_section(page: str, section: Section, about: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The manual's page with this bench's section new, and all other sections as they were. A page that is none yet is begun."""
    made = SECTION.format(
        name=section.name,
        title=section.title,
        facts=_table(("machine", ""), about.items()),
        table=_table(HEADINGS, map(cells, rows)),
        how=section.how.rstrip(),
    )
    old = re.compile(rf"<!-- bench: {re.escape(section.name)} -->.*<!-- end of {re.escape(section.name)} -->\n", re.DOTALL)
    if old.search(page):
        return old.sub(lambda _: made, page)
    return f"{page or PAGE}\n{made}"


def _table(headings: Sequence[str], lines: object) -> str:
    made = [headings, ["---"] * len(headings), *lines]  # type: ignore[misc]  # any iterable of texts
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in made)
