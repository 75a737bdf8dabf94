"""What the product imports, pyproject.toml names: on a newcomer's machine nothing else is installed, whatever the tools of the tests bring."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.architecture.house import ROOMS, ROOT, modules

#: Our own rooms; what each of these comes from is us.
OURS = {*ROOMS, "bench", "tests"}


def foreign(text: str) -> set[str]:
    """Top-level modules that this source imports and that are neither Python's nor ours."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_whatever_is_imported_is_a_dependency_of_the_product() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {normal(re.split(r"[\[<>=~! ;]", line)[0]) for line in project["dependencies"]}
    sources = packages_distributions()
    missing = {
        f"{name}: {module}"
        for name, text in modules(*ROOMS)
        for module in foreign(text)
        if not declared & {normal(source) for source in sources.get(module, [module])}
    }
    assert missing == set()


def test_a_foreign_import_is_seen() -> None:
    assert foreign("import os, urllib3\nfrom app.hub import api\nfrom requests.adapters import Retry") == {"urllib3", "requests"}
