"""The gateway's part of `script/bench persistence`, at a tiny size."""

from __future__ import annotations

import orjson

from tests.bench.test_kernel import bench


def test_reads_and_inserts_are_measured() -> None:
    result = bench("persistence", "--quick", "--json", "--only", "gateway")
    assert result.returncode == 0, result.stderr
    rows = {row["what"]: row["measured"] for row in orjson.loads(result.stdout)["rows"]}
    assert rows["gateway: reads of 10 rows over HTTP, 16 connections"]
    assert rows["gateway: inserts of one row over HTTP, waiting for the commit"]
