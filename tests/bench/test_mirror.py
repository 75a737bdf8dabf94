"""Each part of `script/bench persistence` that is about the hub's own rows, at a tiny size."""

from __future__ import annotations

import orjson
import pytest

from tests.bench.test_kernel import bench

PARTS = {
    "mirror": {"mirror: work items to SQLite, when catching up", "mirror: events to PostgreSQL, when catching up"},
    "lag": {"lag: the same, p50 and p99"},
    "burst": {"burst: 200 items with persistence, without"},
    "behind": {"behind: rows brought"},
}
#: What holds at any size, on any machine.
EXACT = {"burst: items without a row over there", "behind: 20,000 items, rows lost"}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_and_gives_its_rows(part: str) -> None:
    result = bench("persistence", "--quick", "--json", "--only", part)
    assert result.returncode == 0, result.stderr
    rows = orjson.loads(result.stdout)["rows"]
    assert {row["what"] for row in rows} >= PARTS[part]
    assert all(row["held"] for row in rows if row["what"] in EXACT)
