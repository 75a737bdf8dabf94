"""Each part of `script/bench hub`, at a tiny size."""

from __future__ import annotations

import orjson
import pytest

from tests.bench.test_kernel import bench

PARTS = {
    "enqueue": {"enqueue: 16 at once, one by one", "enqueue: 16 at once, in batches of 100"},
    "through": {"through: Dispatch until its answer, 16 at once, a beacon with 16 slots", "through: the same, p99"},
    "backlog": {"backlog: items ended while 2,000 wait, while 100 wait"},
    "fleet": {"fleet: registrations of 200 beacons, 4 at once", "fleet: the last quarter of them, the first"},
    "lists": {"lists: /Beacon/Work, 18 ways, 20,000 items: p95 of the slowest", "lists: a board page of 2,000 rows, p50"},
}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_and_gives_its_rows(part: str) -> None:
    result = bench("hub", "--quick", "--json", "--only", part)
    assert result.returncode == 0, result.stderr
    rows = orjson.loads(result.stdout)["rows"]
    assert {row["what"] for row in rows} >= PARTS[part]
    assert all(row["measured"] for row in rows)


def test_every_item_that_was_submitted_comes_to_the_one_who_polls() -> None:
    result = bench("hub", "--quick", "--json", "--only", "poll")
    assert result.returncode == 0, result.stderr
    held = {row["what"]: row["held"] for row in orjson.loads(result.stdout)["rows"]}
    assert held["poll: items that came, of those submitted"] is True
    assert "poll: from submission until the item is in hand, p95" in held
