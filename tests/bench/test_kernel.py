"""Each part of `script/bench kernel`, in seconds instead of minutes."""

from __future__ import annotations

import os
import subprocess
import sys

import orjson
import pytest

from tests.architecture.house import ROOT

PARTS = {
    "drain": {"kernel: commands drained, one trivial insert each", "its ratio to bare sqlite3 executemany"},
    "latency": {"append to committed answer, a few ms apart: p50", "append to committed answer, the first after a rest: p99"},
    "edge": {"edge: waiting enqueues over HTTP, 16 connections, 2 web workers", "edge: the same with 20,000 pending"},
    "work": {"work: items given out and completed in one process"},
    "reads": {"read: one item by hash, 1,000 / 20,000 rows", "read: first page of live items, nearly all ended, 1,000 / 20,000 rows"},
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "DATABASE_", "REDIS_", "BROKER_"))}
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_and_gives_its_rows(part: str) -> None:
    result = bench("kernel", "--quick", "--json", "--only", part)
    assert result.returncode == 0, result.stderr
    told = orjson.loads(result.stdout)
    assert {row["what"] for row in told["rows"]} >= PARTS[part]
    assert all(row["measured"] for row in told["rows"])
    assert {"cores", "Python", "SQLite", "Redis"} <= told["machine"].keys()


def test_the_table_is_for_people() -> None:
    result = bench("kernel", "--quick", "--only", "work")
    assert result.returncode == 0, result.stderr
    assert "work: items given out and completed in one process" in result.stdout


def test_without_words_it_lists_what_there_is() -> None:
    listed, wrong = bench(), bench("nonsense")
    assert (listed.returncode, wrong.returncode) == (0, 2)
    assert "kernel" in listed.stdout
    assert "--chaos" in wrong.stderr
