"""Small modules, small functions: taste shows in the tail, so the tail is bounded."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOMS, modules

MODULE_P90, MODULE_STOP = 250, 400
FUNCTION_P90, FUNCTION_STOP = 20, 50
ALLOWED = tomllib.loads(Path(__file__).with_name("sizes.toml").read_text())


def measured() -> Iterator[tuple[str, str]]:
    """A migration is a list of what changed, and is never edited again: its length says nothing about the house."""
    return ((name, text) for name, text in modules(*ROOMS) if not name.startswith("tasks/migrations/versions/"))


def function_sizes(name: str, text: str) -> dict[str, int]:
    """Lines of each function from its `def` to its end, docstring apart."""
    sizes = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                visit(child, prefix)
                continue
            if not isinstance(child, ast.ClassDef):
                sizes[prefix + child.name] = (child.end_lineno or 0) - child.lineno + 1 - docstring_lines(child)
            visit(child, f"{prefix}{child.name}.")

    visit(ast.parse(text), f"{name}:")
    return sizes


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def p90(sizes: dict[str, int]) -> int:
    ordered = sorted(sizes.values())
    return ordered[len(ordered) * 9 // 10] if ordered else 0


def too_long(sizes: dict[str, int], stop: int, allowed: dict[str, int]) -> dict[str, str]:
    """What is longer than `stop` without leave, and what has leave that it does not need."""
    offences = {}
    for name, size in sizes.items():
        if size > max(stop, allowed.get(name, 0)):
            offences[name] = f"{size} lines, the stop is at {allowed.get(name, stop)}"
    for name, size in allowed.items():
        if sizes.get(name, 0) <= stop:
            offences[name] = "needs its line in sizes.toml no longer"
        elif sizes[name] < size:
            offences[name] = f"has shrunk to {sizes[name]}: write that into sizes.toml"
    return offences


def test_modules_are_small() -> None:
    sizes = {name: len(text.splitlines()) for name, text in measured()}
    assert too_long(sizes, MODULE_STOP, ALLOWED["modules"]) == {}
    assert p90(sizes) <= MODULE_P90


def test_functions_are_small() -> None:
    sizes = {function: size for name, text in measured() for function, size in function_sizes(name, text).items()}
    assert too_long(sizes, FUNCTION_STOP, ALLOWED["functions"]) == {}
    assert p90(sizes) <= FUNCTION_P90


def test_a_function_is_measured_without_its_docstring_and_its_decorators() -> None:
    text = 'class A:\n    @b\n    def c(self):\n        """One.\n\n        Two.\n        """\n        def d():\n            pass\n        return d\n'
    assert function_sizes("m.py", text) == {"m.py:A.c": 4, "m.py:A.c.d": 2}


@pytest.mark.parametrize(
    ("size", "allowed", "offence"),
    [
        (10, {}, None),
        (11, {}, "11 lines, the stop is at 10"),
        (11, {"f": 11}, None),
        (12, {"f": 11}, "12 lines, the stop is at 11"),
        (11, {"f": 12}, "has shrunk to 11: write that into sizes.toml"),
        (10, {"f": 12}, "needs its line in sizes.toml no longer"),
    ],
)
def test_leave_may_only_shrink(size: int, allowed: dict[str, int], offence: str | None) -> None:
    assert too_long({"f": size}, 10, allowed).get("f") == offence


def test_leave_for_what_is_gone_is_an_offence() -> None:
    assert too_long({}, 10, {"gone": 11}) == {"gone": "needs its line in sizes.toml no longer"}


def test_p90_is_above_nine_tenths() -> None:
    assert p90({str(size): size for size in range(1, 11)}) == 10
    assert p90({}) == 0
