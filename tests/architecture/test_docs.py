"""The manual says what the code does: all of it, and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

from beacon.providers.loading import BUILT_IN
from beacon.settings import OPTIONS
from schema import envelope
from schema.errors import CODES
from schema.settings import Settings
from tasks.worker import app as celery
from tests.architecture import manual
from tests.architecture.house import ROOMS, ROOT, modules, ours, texts
from ultravisor.main import cli as front_door

PAGES = {page.relative_to(ROOT).as_posix(): page.read_text() for page in manual.pages()}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")

#: Variables that are read elsewhere than in a record of settings: by a script, by tests, by gunicorn's and honcho's lines.
OTHER_VARIABLES = {"UV_PYTHON", "UV_TEST_CRASH_AT"}
#: Files that a reader makes.
EXAMPLES = {"tasks/hub/tag.py", "docker/.env"}
OURS = re.compile(r"\b(?:UV_[A-Z_]+[A-Z]|(?:DATABASE|DATABASE_READ|REDIS|BROKER)_URL)\b")


def prose(name: str) -> str:
    """A page without its fenced examples."""
    return FENCE.sub("", PAGES[name])


def headings(name: str, level: int) -> list[str]:
    return [title.replace("`", "") for title in re.findall(rf"^{'#' * level} (.+)$", prose(name), re.MULTILINE)]


def first_cells(name: str, below: str = "") -> set[str]:
    """What stands in backticks in the first cells of a page's tables; below a heading if one is named."""
    text = prose(name).partition(f"\n{below}\n")[2] if below else prose(name)
    return {word for cell in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for word in re.findall(r"`([^`]+)`", cell)}


def parts_of(name: str) -> set[tuple[str, str]]:
    return {(found["name"], found["argument"] or "") for found in manual.PART.finditer(PAGES[name])}


def anchors(name: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)
    return {slugify(re.sub(r"`|\[([^]]*)\]\([^)]*\)", r"\1", title), "-") for title in titles}


# What is generated is current, and covers all there is.


@pytest.mark.parametrize("name", PAGES)
def test_generated_parts_are_current(name: str) -> None:
    assert manual.written(PAGES[name]) == PAGES[name], "run script/docs"


def test_no_part_is_open() -> None:
    begun = {name: text.count("<!-- generated:") for name, text in PAGES.items()}
    assert begun == {name: len(manual.PART.findall(text)) for name, text in PAGES.items()}


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("settings", "settings"),
        ("errors", "errors"),
        ("beat", "beat"),
        ("redis-keys", "redis_keys"),
        ("http", "routes"),
        ("beacon", "beacon_flags"),
    ],
)
def test_the_reference_has_each_generated_table(page: str, part: str) -> None:
    assert (part, "") in parts_of(f"docs/reference/{page}.md")


def test_each_command_is_in_the_manual() -> None:
    shown = {domain for name, domain in parts_of("docs/reference/commands.md") if name == "commands"}
    assert shown == {name.partition(".")[0] for name in ours()}


def test_each_table_has_its_heading_and_its_columns() -> None:
    tables = set(manual.load_tables().tables)
    assert set(headings("docs/reference/tables.md", 3)) == tables
    assert {table for name, table in parts_of("docs/reference/tables.md") if name == "columns"} == tables


def test_each_route_has_its_heading() -> None:
    told = headings("docs/reference/http.md", 3)
    assert sorted(told) == sorted(f"{method} {path}" for method, path, _ in manual.rules())
    assert all(said for _, _, said in manual.rules()), "a view without a docstring"


def test_each_command_of_the_command_line_has_its_heading() -> None:
    assert set(headings("docs/reference/cli.md", 2)) == {f"ultravisor {name}" for name in front_door.commands}
    assert {name for part, name in parts_of("docs/reference/cli.md") if part == "cli"} == {"ultravisor", *front_door.commands}


def test_each_beat_entry_has_its_heading() -> None:
    assert set(celery.conf.beat_schedule) <= set(headings("docs/reference/beat.md", 2))


def test_each_provider_has_its_heading() -> None:
    assert {name for part, name in parts_of("docs/reference/beacon.md") if part == "provider"} == set(BUILT_IN)
    assert set(BUILT_IN) <= set(headings("docs/reference/beacon.md", 3))


def test_each_redis_key_is_named_in_one_table_and_nowhere_else() -> None:
    source = ast.parse((ROOT / "schema/envelope.py").read_text())
    named = {key for text in _strings(source, but=envelope.__doc__) for key in re.findall(r"uv:[a-z]+", text)}
    assert named == set(re.findall(r"`(uv:[a-z]+)", manual.redis_keys()))
    strays = [
        f"{name}: {text}" for name, source in modules(*ROOMS) if name != "schema/envelope.py" for text in _strings(ast.parse(source)) if "uv:" in text
    ]
    assert [stray for stray in strays if re.search(r": uv:", stray)] == []


def _strings(tree: ast.AST, but: str | None = None) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != but:
            yield node.value


# What is written by hand.


def announced() -> set[str]:
    """The kinds of events that the verbs announce: those that stand whole in an Event, and those that `happen` and `record` make of a word."""
    kinds = set()
    for _, text in modules("tasks"):
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            place = {"Event": 1, "happen": 3, "record": 3}.get(name)
            if place is not None and len(call.args) > place and isinstance(word := call.args[place], ast.Constant):
                kinds.add(word.value if name == "Event" else f"queue.{word.value}")
    return kinds


def test_each_event_is_in_the_manual() -> None:
    kinds = {word for word in first_cells("docs/reference/events.md") if "." in word}
    assert kinds == announced()
    assert "queue.completed" in kinds
    assert "beacon.registered" in kinds


def warnings(*rooms: str) -> set[str]:
    """The words under which something is logged that an operator may want to know."""
    words = set()
    for _, text in modules(*rooms):
        words |= set(re.findall(r"log(?:ger)?\.(?:warning|error|exception)\(\s*\"(\w+)\"", text, re.IGNORECASE))
        words |= set(re.findall(r"note\(logging\.(?:WARNING|ERROR), \"(\w+)\"", text))
        words |= {word for pair in re.findall(r"note\(logging\.WARNING, \"(\w+)\" if .* else \"(\w+)\"", text) for word in pair}
    return words


def test_each_warning_has_its_advice() -> None:
    told = first_cells("docs/how-to/operate.md", "## Words in the log")
    assert warnings("app", "tasks", "beacon") <= told
    silent = {word for word in told if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)} - warnings("app", "tasks", "beacon")
    assert silent == {"cursor_lost"}, "the one that is information only"


def test_each_finding_of_the_doctor_has_its_advice() -> None:
    subjects = set()
    for _, text in modules("ultravisor"):
        subjects |= set(re.findall(r"\b(?:ok|warning|problem)\(\s*\"([a-zA-Z ]+)\"", text))
        subjects |= set(re.findall(r"\bsubject = \"([a-zA-Z ]+)\"", text))
        subjects |= set(re.findall(r"\bjudged_skew\(\"([a-z ]+)\"", text))
    assert subjects - {"versions", "a", "b"} <= first_cells("docs/how-to/operate.md", "## Doctor")


def test_each_setting_of_celery_has_its_reason() -> None:
    (call,) = [
        node
        for node in ast.walk(ast.parse((ROOT / "tasks/worker.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "app.conf.update"
    ]
    told = first_cells("docs/development/versions.md", "## Celery's settings, each with its reason")
    assert {keyword.arg for keyword in call.keywords} <= told


# Nothing is told that is not there.


def test_no_variable_is_told_that_nobody_reads() -> None:
    known = {field.metadata["env"] for field in Settings.__dataclass_fields__.values()} | {option.environment for option in OPTIONS} | OTHER_VARIABLES
    told = {variable for text in PAGES.values() for variable in OURS.findall(text)}
    assert told <= known


def test_no_code_is_told_under_a_wrong_status() -> None:
    told = {(int(status), code) for name in PAGES for status, code in re.findall(r"\b([45]\d\d) `([a-z_]+)`", prose(name))}
    assert told <= {(status, code) for code, (status, _) in CODES.items()}


def test_no_command_is_told_that_does_not_exist() -> None:
    told = {word for name in PAGES for word in re.findall(r"`((?:hub|ledger|gateway)\.[a-z_]+)`", prose(name))}
    assert told <= ours()


def test_each_file_that_is_named_exists() -> None:
    pattern = re.compile(r"`((?:schema|tasks|app|beacon|ultravisor|tests|script|bench|docs|docker)/[\w./-]*)(?:::(\w+))?`")
    named = {(name, found[1]) for name in PAGES for found in pattern.finditer(prose(name)) if found[1] not in EXAMPLES}
    assert [place for place in sorted(named) if not (ROOT / place[1]).exists()] == []


def test_each_test_that_is_named_exists() -> None:
    tests = {function for _, text in modules("tests") for function in re.findall(r"def (test_\w+)", text)}
    named = {(name, test) for name in PAGES for test in re.findall(r"`(?:[\w./-]+::)?(test_\w+)`", prose(name))}
    assert [place for place in sorted(named) if place[1] not in tests] == []


def broken_links(name: str) -> list[str]:
    found = []
    for link in LINK.findall(prose(name)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        page = target.resolve().relative_to(ROOT).as_posix()
        exists = page in PAGES or target.exists()
        if not exists or (anchor and anchor not in anchors(page)):
            found.append(link)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    assert broken_links(name) == []


@pytest.mark.parametrize("name", PAGES)
def test_examples_compile(name: str) -> None:
    for language, example in FENCE.findall(PAGES[name]):
        if language == "python" and not re.fullmatch(r"\w+\.name: \w+,\n", example):
            compile(example, name, "exec")


#: Runs the example's pieces where the page says that they belong, and asks for the route that they make.
FOLLOW = """
import re, sys
from pathlib import Path
pieces = re.findall(r"```python\\n(.*?)```", Path(sys.argv[1]).read_text(), re.DOTALL)
command, verb, tie, form, order = pieces
import schema.hub.commands, schema.hub.forms, app.hub.orders, tasks.worker
exec(command, vars(schema.hub.commands))
made = {}
exec(verb, made)
exec("added = {" + tie + "}", made)
exec(form, vars(schema.hub.forms))
vars(app.hub.orders).update(TagBeacon=schema.hub.commands.TagBeacon, TagWire=schema.hub.forms.TagWire)
exec(order, vars(app.hub.orders))
from app.main import create_app
assert made["added"] == {"hub.tag": made["tag"]}
assert any(str(rule) == "/Beacon/<beacon_id>/Tags" for rule in create_app().url_map.iter_rules())
"""


def test_the_steps_for_a_new_command_can_be_followed() -> None:
    page = ROOT / "docs/development/adding-a-command.md"
    done = subprocess.run([sys.executable, "-c", FOLLOW, str(page)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pages_ask_for_nothing_from_elsewhere() -> None:
    """The manual reads the same without a network: no picture, no script, no font of somebody else's."""
    assert [name for name, text in PAGES.items() if re.search(r"!\[[^]]*\]\(https?:|<(?:img|script|link)\b|```mermaid", text)] == []


def test_what_is_missing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGES, "docs/x.md", "# X\n\n[a](y.md) [b](#x) [c](#z) [d](index.md#where-to-go)\n\n| `w` | |\n\n```sh\n[no](link)\n```\n")
    assert broken_links("docs/x.md") == ["y.md", "#z"]
    assert first_cells("docs/x.md") == {"w"}
    assert headings("docs/x.md", 1) == ["X"]


def test_a_part_that_is_not_current_is_seen() -> None:
    text = "<!-- generated: crash_points -->\nold\n<!-- end -->\n"
    assert "entries_read" in manual.written(text)
    assert manual.written(manual.written(text)) == manual.written(text)
    with pytest.raises(KeyError):
        manual.written("<!-- generated: nonsense -->\n<!-- end -->\n")


def test_every_text_file_that_looks_like_a_page_is_one() -> None:
    assert {name for name, _ in texts() if name.endswith(".md")} <= {*PAGES}, f"pages live in {Path('docs')}"
