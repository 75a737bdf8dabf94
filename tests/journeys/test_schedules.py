"""Schedules on a whole hub: whoever of its processes is killed, and while nobody was there."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.schema.runs.graphs import node, operation
from tests.services.fixtures import short_folder
from tests.services.processes import eventually
from tests.ultravisor.hubs import Hub
from ultravisor import here

pytestmark = pytest.mark.timeout(400)

QUICK = operation([node("end", "end")], ["start.Out>end.In"]) | {"Hash": "quick"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with short_folder() as folder:
        hub = Hub(folder, UV_FLOWER_ADDRESS="")
        yield hub
        hub.end()


def ask(hub: Hub, path: str, body: object = None) -> Any:
    status, answer = here.ask(here.settings(hub.environment), path, body, timeout=30)
    assert status == 200, answer
    return answer


def plan(hub: Hub, **fields: Any) -> str:
    return str(ask(hub, "/Schedule/Operation", {"Hash": "quick", **fields})["GUID"])


def rows(hub: Hub, statement: str, *values: Any) -> list[Any]:
    with sqlite3.connect(hub.data / "ultravisor.db", timeout=30) as connection:
        found = connection.execute(statement, values).fetchall()
    connection.close()
    return found


def ended(hub: Hub, guid: str) -> int:
    return int(rows(hub, "SELECT count(*) FROM runs_occurrence WHERE schedule_guid = ? AND status = 'Complete'", guid)[0][0])


def statuses(hub: Hub, guid: str) -> list[str]:
    return [row[0] for row in rows(hub, "SELECT status FROM runs_occurrence WHERE schedule_guid = ?", guid)]


def is_over(hub: Hub, guid: str) -> bool:
    """Whether all that was missed has been judged, and every run of it has ended."""
    found = statuses(hub, guid)
    return bool(found) and not {"Started", "Queued"} & set(found)


def test_killed_beats_and_workers_and_a_hub_that_was_away(hub: Hub) -> None:
    hub.start()
    ask(hub, "/Operation", QUICK)
    each_second = plan(hub, ScheduleType="interval", Parameters={"IntervalMs": 1_000})
    eventually(lambda: ended(hub, each_second) >= 2)
    for name in ("beat", "worker"):
        before = ended(hub, each_second)
        os.kill(hub.leader(name), signal.SIGKILL)
        eventually(lambda before=before: ended(hub, each_second) >= before + 3, within=90)
    ((fired, moments, runs),) = rows(
        hub, "SELECT count(*), count(DISTINCT due_at), count(DISTINCT run_hash) FROM runs_occurrence WHERE run_hash <> ''"
    )
    assert fired == moments == runs
    ask(hub, f"/Schedule/Stop/{each_second}", {})
    guids = {policy: plan(hub, ScheduleType="cron", Parameters="*/10 * * * *", MissedRuns=policy) for policy in ("skip", "once", "all")}
    hub.end()
    # An hour passes: five moments and more that nobody was there for.
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).replace(minute=30, second=0, microsecond=0)
    rows(hub, "UPDATE runs_schedule SET next_at = ? WHERE active = 1", hour_ago.strftime("%Y-%m-%d %H:%M:%S.%f"))
    hub.process = hub.another()
    hub.start()
    eventually(lambda: all(is_over(hub, guid) for guid in guids.values()), within=90)
    found = {policy: statuses(hub, guid) for policy, guid in guids.items()}
    assert set(found["all"]) == {"Complete"}
    assert found["once"].count("Complete") == found["skip"].count("Complete") + 1
    assert found["skip"].count("Missed") == found["once"].count("Missed") + 1 >= 4
