"""`ultravisor settings`: the one table of settings, as docs/reference/settings.md holds it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import click
import orjson
from rich.console import Console
from rich.table import Table

from schema.settings import Settings
from ultravisor import here


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as it is shown: a secret that is set is only stars."""

    name: str
    env: str
    value: str
    default: str
    help: str


def rows(settings: Settings) -> list[Row]:
    """Every setting, in the order of the record."""
    found = []
    for field in fields(Settings):
        value = getattr(settings, field.name)
        shown = "***" if field.metadata["secret"] and value else _text(value)
        found.append(Row(field.name, field.metadata["env"], shown, _text(field.default), field.metadata["help"]))
    return found


def markdown(rows: list[Row]) -> str:
    """The table of docs/reference/settings.md: what holds for everybody, so no values."""
    lines = [f"| `{row.env}` | {f'`{row.default}`' if row.default else ''} | {row.help} |" for row in rows]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *lines])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The table of the manual.")
def settings(as_json: bool, as_markdown: bool) -> None:
    """Show every setting with its environment variable, value and default."""
    if as_markdown:
        click.echo(markdown(rows(Settings())))
        return
    found = rows(here.settings())
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    table = Table("variable", "value", "default", "meaning", box=None, header_style="bold", pad_edge=False)
    for row in found:
        table.add_row(row.env, row.value, row.default, row.help)
    Console().print(table)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
