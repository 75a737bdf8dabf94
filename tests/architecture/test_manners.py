"""House rules that no tool has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import ROOMS, called, modules, texts

# Written in halves, so that this file keeps the rules it states.
LEFT_BEHIND = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
IN_MEMORY = ":mem" + "ory:"
PRIVATE = ("/ro" + "ot/", "/ho" + "me/", "pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js")
OPT_OUT = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w, -]*\])?|pragma: no (?:cover|branch)|fmt: (?:off|skip)|ruff: noqa.*?)"
    r"(?P<reason>\s[^\"']*|)$"
)


def lines_matching(pattern: re.Pattern[str], name: str, text: str) -> list[str]:
    return [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def unreasoned(name: str, text: str) -> Iterator[str]:
    """Opt-outs from a check that do not say, in two words at least, why."""
    for number, line in enumerate(text.splitlines(), 1):
        if (found := OPT_OUT.search(line)) and len(re.findall(r"\w+", found["reason"])) < 2:
            yield f"{name}:{number} {line.strip()}"


def unreasoned_entries(text: str) -> Iterator[str]:
    """Entries of the tools' lists of exceptions in pyproject.toml without a comment beside or above them."""
    inside, above = False, ""
    for line in text.splitlines():
        if line.startswith(("[", "]")) or not line.strip():
            inside = line.startswith("[tool.ruff.lint.per-file-ignores]")
        elif line.startswith(("ignore = [", "filterwarnings = [")):
            inside = not line.endswith("]")
        elif inside and line.startswith("  ") and "#" not in line + above:
            yield line.strip()
        above = line if line.strip().startswith("#") else ""


def sleeps(name: str, text: str) -> list[str]:
    return [f"{name}:{line}" for call, line in called(ast.parse(text)) if call == "sleep"]


def addresses(name: str, text: str) -> list[str]:
    """Where a lock file says from where a package comes."""
    if name.endswith(".lock"):
        return lines_matching(re.compile(r"://|^\s*-(?:-index|-extra-index|-find|i |f )"), name, text)
    return lines_matching(re.compile(r'"resolved"'), name, text) if name == "package-lock.json" else []


def private_words(name: str, text: str) -> list[str]:
    return [offence for word in PRIVATE for offence in lines_matching(re.compile(re.escape(word)), name, text)]


def test_nothing_is_left_behind() -> None:
    assert [
        offence
        for name, text in texts()
        if name.endswith((".py", ".js", ".css", ".html", ".sh"))
        for offence in lines_matching(LEFT_BEHIND, name, text)
    ] == []


def test_tests_never_sleep() -> None:
    assert [offence for name, text in modules("tests") for offence in sleeps(name, text)] == []


def test_the_edge_is_never_tested_on_a_database_in_memory() -> None:
    assert [name for name, text in modules("tests") if name.startswith("tests/app/") and IN_MEMORY in text] == []


def test_each_opt_out_has_its_reason() -> None:
    assert [offence for name, text in modules(*ROOMS, "tests", "bench") for offence in unreasoned(name, text)] == []
    assert [entry for name, text in texts() if name == "pyproject.toml" for entry in unreasoned_entries(text)] == []


def test_lock_files_hold_no_address() -> None:
    assert [offence for name, text in texts() for offence in addresses(name, text)] == []


def test_no_file_names_somebodys_machine_or_a_registry() -> None:
    assert [offence for name, text in texts() for offence in private_words(name, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # no" + "qa",
        "x = 1  # no" + "qa: S101",
        "x = 1  # no" + "qa: S101, E501 - why",
        "x = f()  # type" + ": ignore[arg-type]",
        "if x:  # pragma" + ": no cover",
        "# fmt" + ": off",
    ],
)
def test_an_opt_out_without_a_reason_is_seen(line: str) -> None:
    assert list(unreasoned("m.py", line)) == [f"m.py:1 {line}"]
    assert list(unreasoned("m.py", f"{line} - it has its grounds")) == []


def test_an_entry_without_a_reason_is_seen() -> None:
    assert list(unreasoned_entries('ignore = [\n  "A1",  # a reason\n  # another\n  "A2",\n  "A3",\n]\n')) == ['"A3",']
    assert list(unreasoned_entries('filterwarnings = ["error"]\n')) == []


def test_what_is_left_behind_is_seen() -> None:
    assert lines_matching(LEFT_BEHIND, "m.py", "x = 1\n# TO" + "DO: more\n") == ["m.py:2"]


def test_a_sleep_is_seen() -> None:
    assert sleeps("t.py", "import time\ntime.sleep(1)\nawait_ = 'sleep(1)'\n") == ["t.py:2"]


def test_an_address_is_seen() -> None:
    assert addresses("requirements.lock", "a==1\n--index-url x\nb @ https://x\n") == ["requirements.lock:2", "requirements.lock:3"]
    assert addresses("package-lock.json", '{"resolved": "x"}') == ["package-lock.json:1"]


def test_a_private_word_is_seen() -> None:
    assert private_words("docs/x.md", "see /ro" + "ot/.cache\n") == ["docs/x.md:1"]
