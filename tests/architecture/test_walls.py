"""The walls between the rooms: import-linter's contracts, and what they cannot say."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import grimp
import pytest

from tests.architecture.house import ROOMS, ROOT, called, imported, modules

PYPROJECT = ROOT / "pyproject.toml"
CONTRACTS = [contract["name"] for contract in tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]]

# A house in which every name that a contract mentions exists, and for each contract one line that breaks it.
SKELETON = ["schema/hub/rules/assign.py", "tasks/worker.py", "app/reading.py", "app/dispatch.py", "app/hub/questions.py", "app/hub/orders.py"]
OFFENCES = {
    "Nouns know nobody": ("schema/hub/values.py", "import redis"),
    "Rules are pure": ("schema/hub/rules/assign.py", "import time"),
    "The edge and the writers are strangers": ("app/reading.py", "import tasks.worker"),
    "Verbs speak no HTTP": ("tasks/worker.py", "import werkzeug"),
    "The hand works on any machine": ("beacon/main.py", "import schema.hub"),
    "Celery is known to the verbs": ("app/hub/orders.py", "import celery"),
    "Orders never read": ("app/hub/orders.py", "import app.hub.questions"),
    "Questions never order": ("app/hub/questions.py", "import app.dispatch"),
    "No cycles": ("tasks/worker.py", "import tasks.other"),
}

RANKS = {
    "lab": 3,
    "mesh": 3,
    "bridge": 2,
    "observer": 2,
    "sockets": 2,
    "runs": 1,
    "access": 0,
    "hub": 0,
    "gateway": 0,
    "assemblies": 0,
    "nodes": 0,
    "agents": 0,
    "sync": 0,
    "content": -1,
    "ledger": -2,
}
NO_DOMAIN = {"migrations"}

# Who may reach for a database, and who may append to the journal; everybody else asks them.
#: `tasks/failures.py` knows the drivers' error codes.
CONNECTORS = ("app/reading.py", "tasks/unit.py", "tasks/failures.py", "tasks/migrations/*", "tasks/*/drivers/*")
DRIVERS = {"sqlite3", "psycopg", "pymysql"}
APPENDERS = ("app/dispatch.py", "tasks/*")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-logo", "--no-cache"]
    return subprocess.run([*command, "--config", str(PYPROJECT)], cwd=folder, capture_output=True, text=True, check=False)


def test_the_contracts_are_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_can_be_broken(contract: str, tmp_path: Path) -> None:
    (offence,) = [offence for name, offence in OFFENCES.items() if contract.startswith(name)]
    sources = dict.fromkeys(SKELETON, "") | {"tasks/other.py": "import tasks.worker"} | dict([offence])
    for room in ROOMS:
        sources.setdefault(f"{room}/__init__.py", "")
    for name, text in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.parents:
            if parent != tmp_path and parent.is_relative_to(tmp_path):
                (parent / "__init__.py").touch()
        path.write_text(text)
    result = lint_imports(tmp_path)
    assert [line.removesuffix(" BROKEN") for line in result.stdout.splitlines() if line.endswith(" BROKEN")] == [contract], result.stdout


def domain_of(module: str) -> str | None:
    """`hub` for `tasks.hub.dispatch`, None for `tasks.journal`, which belongs to no domain."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 and parts[1] not in NO_DOMAIN else None


def trespasses(imports: Iterator[tuple[str, str]]) -> list[str]:
    """Imports from one domain to another that is not strictly below it. Layers miss these: they see one room at a time."""
    found = []
    for importer, target in imports:
        above, below = domain_of(importer), domain_of(target)
        if above is not None and below is not None and above != below and RANKS[above] <= RANKS[below]:
            found.append(f"{importer} -> {target}")
    return sorted(found)


def house_imports() -> Iterator[tuple[str, str]]:
    graph = grimp.build_graph("schema", "tasks", "app", cache_dir=None)
    for importer in graph.modules:
        for target in graph.find_modules_directly_imported_by(importer):
            yield importer, target


def test_domains_look_only_down() -> None:
    assert trespasses(house_imports()) == []


def test_each_domain_has_a_rank() -> None:
    names = {name for name, _ in modules("schema", "tasks", "app") if name.count("/") > 1}
    assert {name.split("/")[1] for name in names} - NO_DOMAIN <= RANKS.keys()


@pytest.mark.parametrize(
    ("importer", "target", "allowed"),
    [
        ("app.lab.pages", "schema.hub.values", True),
        ("tasks.runs.advance", "schema.hub.commands", True),
        ("tasks.hub.complete", "schema.runs.commands", False),
        ("app.hub.api", "app.nodes.questions", False),
        ("tasks.hub.complete", "tasks.hub.dispatch", True),
        ("tasks.worker", "tasks.lab.install", True),
        ("schema.ledger.tables", "schema.hub.tables", False),
    ],
)
def test_a_trespass_is_seen(importer: str, target: str, allowed: bool) -> None:
    target += ".x" if target.count(".") < 2 else ""
    assert trespasses(iter([(importer, target)])) == ([] if allowed else [f"{importer} -> {target}"])


def connects(name: str, text: str) -> list[str]:
    """Places that open a database, in a file that may not."""
    if any(fnmatch(name, pattern) for pattern in CONNECTORS):
        return []
    tree = ast.parse(text)
    opened = [f"{name}:{line} calls {call}" for call, line in called(tree) if call in {"create_engine", "sessionmaker", "Session"}]
    return opened + [f"{name}:{line} imports {target}" for target, line in imported(tree) if target.split(".")[0] in DRIVERS]


def appends(name: str, text: str) -> list[str]:
    """Places that write to a stream, in a file that may not."""
    if any(fnmatch(name, pattern) for pattern in APPENDERS):
        return []
    return [f"{name}:{line}" for call, line in called(ast.parse(text)) if call == "xadd"]


def reads_the_clock(name: str, text: str) -> list[str]:
    """Calls by which a rule would know the time; rules are told it."""
    if "/rules" not in name:
        return []
    return [f"{name}:{line} calls {call}" for call, line in called(ast.parse(text)) if call in {"now", "utcnow", "today"}]


def test_only_the_connectors_open_a_database() -> None:
    assert [offence for name, text in modules("schema", "tasks", "app") for offence in connects(name, text)] == []


def test_only_dispatch_and_the_verbs_append_to_a_stream() -> None:
    assert [offence for name, text in modules(*ROOMS) for offence in appends(name, text)] == []


def test_rules_are_told_the_time() -> None:
    assert [offence for name, text in modules("schema") for offence in reads_the_clock(name, text)] == []


def test_opening_appending_and_looking_at_the_clock_are_seen() -> None:
    assert connects("app/hub/api.py", "import sqlalchemy as sa\nsa.create_engine('x')") == ["app/hub/api.py:2 calls create_engine"]
    assert connects("schema/hub/values.py", "from sqlite3 import connect") == ["schema/hub/values.py:1 imports sqlite3.connect"]
    assert connects("tasks/gateway/drivers/mssql.py", "import sqlite3") == []
    assert appends("app/hub/orders.py", "redis.xadd('s', {})") == ["app/hub/orders.py:1"]
    assert appends("app/dispatch.py", "redis.xadd('s', {})") == []
    assert reads_the_clock("schema/hub/rules/settle.py", "datetime.now()") == ["schema/hub/rules/settle.py:1 calls now"]


def test_the_web_process_cannot_load_a_writer() -> None:
    question = "import sys, app.main; print(*(name for name in sys.modules if name.split('.')[0] == 'tasks'))"
    loaded = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (loaded.stdout.split(), loaded.returncode) == ([], 0), loaded.stderr
