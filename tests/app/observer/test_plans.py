"""No question walks through all items or all events: its cost is the same whatever lies in the database."""

from __future__ import annotations

import re
import sqlite3

import pytest
from flask.testing import FlaskClient

from app.reading import recorded
from tests.app.observer.conftest import Front

HASH = "<hash>"
SINCE = "<guid>"
PATHS = [
    "/Beacon",
    "/Beacon/Work",
    "/Beacon/Work?status=Complete",
    f"/Beacon/Work/{HASH}",
    f"/Beacon/Work/{HASH}/Events",
    f"/Beacon/Work/{HASH}/Attempts",
    f"/Beacon/Work/{HASH}/Health",
    f"/Beacon/Work/{HASH}/Why",
    "/Beacon/Queue",
    "/Beacon/Queue?bucket=Upcoming&include=history",
    "/Beacon/Queue?bucket=Errored",
    "/Beacon/Affinity",
    "/Beacon/Capabilities",
    "/Beacon/Actions",
    "/Beacon/Reachability",
    f"/Queue/Events?since={SINCE}",
    "/Observer/History",
    f"/Observer/History?since={SINCE}",
    "/Observer/Snapshot",
    "/Timeline",
    "/Timeline?from=now-30d",
    "/Timeline/Anomalies?from=now-30d",
    "/metrics",
]
BIG = re.compile(r"SCAN (hub_work_\w+)")


@pytest.mark.parametrize("path", PATHS)
def test_no_question_walks_through_what_grows(path: str, front: Front, client: FlaskClient) -> None:
    running, waiting = front.enqueue(2, AffinityKey="key")
    front.register()
    front.post(f"/Beacon/Work/{running}/Progress", Percent=1)
    guid = front.get(f"/Beacon/Work/{running}/Events")["Events"][0]["EventGUID"]
    front.worker.kernel.redis.delete("uv:events:queue")  # so that SQL is asked
    with recorded() as statements:
        assert client.get(path.replace(HASH, waiting).replace(SINCE, guid)).status_code == 200
    assert statements
    walks = {statement: found for statement in statements if (found := scans(front, statement))}
    assert walks == {}


def scans(front: Front, statement: str) -> list[str]:
    """Tables of ours that the engine would read from end to end."""
    with sqlite3.connect(front.worker.kernel.engine.url.database or "") as handle:
        plan = handle.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()
    handle.close()
    return [found[1] for *_, detail in plan if (found := BIG.search(detail))]


def test_a_walk_is_seen(front: Front) -> None:
    assert scans(front, "SELECT * FROM hub_work_item WHERE last_error = ?") == ["hub_work_item"]
    assert scans(front, "SELECT count(*) FROM hub_work_event") == ["hub_work_event"]
    assert scans(front, "SELECT * FROM hub_work_item WHERE work_item_hash = ?") == []
