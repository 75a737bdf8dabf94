"""What a sample tells, that it is taken once, and that old ones go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from schema import envelope as keys
from schema.hub.board_commands import SampleQueue
from schema.hub.rules.sampling import KEPT_SLOTS, SLOT_SECONDS
from tests.tasks.hub.conftest import Hub

TAKE = SampleQueue(hub="h")


def samples(hub: Hub) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in hub.rows("SELECT * FROM hub_sample ORDER BY slot")]


def test_a_sample_tells_where_items_stand_and_how_long_they_took(hub: Hub) -> None:
    hub.enqueue(3)
    ada = hub.register("ada", slots=2)
    done = hub.inbox(ada)[0]["WorkItemHash"]
    hub.done(hub.complete(done, ada))
    assert hub.done(TAKE)[0]["Taken"] is True
    (row,) = samples(hub)
    assert (row["stored"], row["completed"], row["running"], row["waiting"]) == (3, 1, 2, 0)
    assert (row["beacons"], row["slots"]) == (1, 2)
    assert row["wait_p50"] is not None
    assert row["run_p95"] is not None


def test_within_ten_seconds_it_is_taken_once(hub: Hub) -> None:
    hub.enqueue(1)
    assert [hub.done(TAKE)[0]["Taken"] for _ in range(3)].count(True) in (1, 2)
    assert len({row["slot"] for row in samples(hub)}) == len(samples(hub))
    hub.clock.ahead = timedelta(seconds=SLOT_SECONDS)
    assert hub.done(TAKE)[0]["Taken"] is True


def test_what_is_older_than_a_week_goes(hub: Hub) -> None:
    hub.done(TAKE)
    hub.clock.ahead = timedelta(seconds=(KEPT_SLOTS + 2) * SLOT_SECONDS)
    hub.done(TAKE)
    (row,) = samples(hub)
    assert row["waiting"] == 0


def test_it_is_announced(hub: Hub) -> None:
    hub.done(TAKE)
    (entry,) = hub.kernel.redis.xrange(keys.events("pulse"))
    event = orjson.loads(entry[1][b"e"])
    assert (event["Topic"], event["Payload"]["Waiting"]) == ("pulse.sampled", 0)
