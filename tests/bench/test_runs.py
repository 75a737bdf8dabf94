"""Each part of `script/bench runs`, at a tiny size."""

from __future__ import annotations

import orjson
import pytest

from tests.bench.test_kernel import bench

PARTS = {
    "batch": {"batch: runs of six nodes, begun in batches of 100, until their rows say Complete", "batch: processor time of one run, in ms"},
    "hashes": {"hashes: of 200 runs, those that are unlike all others", "hashes: the same in SQL"},
    "lists": {"lists: /Manifest, 24 ways, 20,000 runs: p95 of the slowest"},
    "giant": {"giant: growth of the largest worker process over 1 runs of 500 nodes", "giant: processor time of one node"},
}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_and_gives_its_rows(part: str) -> None:
    result = bench("runs", "--quick", "--json", "--only", part)
    assert result.returncode == 0, result.stderr
    rows = orjson.loads(result.stdout)["rows"]
    assert {row["what"] for row in rows} >= PARTS[part]
    assert all(row["measured"] for row in rows)


def test_every_run_has_a_hash_of_its_own() -> None:
    result = bench("runs", "--quick", "--json", "--only", "hashes")
    assert [row["held"] for row in orjson.loads(result.stdout)["rows"]][:2] == [True, True]
