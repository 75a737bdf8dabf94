"""The demo as somebody runs it who has nothing yet: no hub, no settings."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.ultravisor.hubs import NONE_OF_OURS, PROGRAM


@pytest.mark.timeout(300)
def test_the_demo_brings_its_own_hub_and_leaves_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DATA", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    for number in range(10):
        (work / f"{number}.txt").write_text("x" * number)
    result = subprocess.run(
        [PROGRAM, "demo", "--folder", work, "--items", "25"],
        env={**os.environ, **NONE_OF_OURS, "TMPDIR": str(tmp_path), "COLUMNS": "200"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Every count is right." in result.stdout
    database, statement = re.findall(r'sqlite3 -readonly (\S+) "(.*)"$', result.stdout, re.MULTILINE)[0]
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        assert connection.execute(statement).fetchall() == [("Complete", 25)]
    connection.close()
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  sqlite3 -readonly") and "UVQueueWorkItem" in line]
    *_, there, statement = shlex.split(line)
    assert there.endswith("/databases/local.db")
    with sqlite3.connect(f"file:{there}?mode=ro", uri=True) as connection:
        assert connection.execute(statement).fetchall() == [("Complete", 25)]
    connection.close()
    left = [name for name in Path("/proc").glob("[0-9]*/environ") if _mentions(name, str(tmp_path))]
    assert left == []


def _mentions(environment: Path, folder: str) -> bool:
    try:
        return f"ULTRAVISOR_RUNS_ON={folder}" in environment.read_text(errors="replace")
    except OSError:
        return False
