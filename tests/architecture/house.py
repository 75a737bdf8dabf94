"""What the laws look at."""

from __future__ import annotations

import ast
import os
import pkgutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import schema
from schema.base import COMMANDS

ROOT = Path(__file__).parents[2]
ROOMS = ("schema", "tasks", "app", "beacon", "ultravisor")
MADE = {".git", ".venv", ".cache", "node_modules", "var", "site", "build", "dist", "htmlcov", "__pycache__"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed; in a copy without git, all but what setup, runs and checks make."""
    if (ROOT / ".git").exists():
        names = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
        found = {ROOT / name for name in names.split("\0") if name}
    else:
        found = set()
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in MADE and not name.endswith("_cache")]
            found |= {Path(folder, name) for name in names}
    return tuple(sorted(path for path in found if path.is_file()))


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that is text."""
    for path in files():
        try:
            yield name_of(path), path.read_text()
        except UnicodeDecodeError:
            continue


def modules(*rooms: str) -> Iterator[tuple[str, str]]:
    """Name and text of every Python file below these folders."""
    for name, text in texts():
        if name.endswith(".py") and name.split("/")[0] in rooms:
            yield name, text


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def called(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The last name and the line of everything that is called: `sleep` for `time.sleep(1)` and for `sleep(1)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    yield name, node.lineno


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The full name and the line of everything that is imported: `a.b` for `import a.b` and for `from a import b`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in names)


def ours() -> set[str]:
    """Commands that the product declares; tests declare some of their own."""
    for module in pkgutil.walk_packages(schema.__path__, "schema."):
        import_module(module.name)
    return {name for name, made in COMMANDS.items() if made.__module__.startswith("schema.")}
