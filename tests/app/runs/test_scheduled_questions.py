"""What the page of schedules asks, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.runs import scheduled_questions
from schema.runs.tables import occurrence, operation, schedule
from tasks import migrations, unit
from tasks.kernel import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULE = {
    "hub": "hub",
    "operation_hash": "op",
    "kind": "cron",
    "expression": "0 * * * *",
    "interval_ms": 0,
    "time_zone": "UTC",
    "parameters": {},
    "mode": "standard",
    "missed": "once",
    "overlap": "queue",
    "active": True,
    "anchor_at": NOON,
    "actor": "a:",
    "created_at": NOON,
    "updated_at": NOON,
    "next_at": NOON,
    "last_at": None,
}
OPERATION = {"hub": "hub", "hash": "op", "name": "Name", "revision": 1, "revision_id": "r", "node_count": 1, "source_beacon": ""}
MOMENT = {"status": "Complete", "reason": "", "fired_at": NOON, "ended_at": NOON}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = unit.connect(database_url)
    migrations.upgrade(engine)
    yield engine
    engine.dispose()


def test_each_schedule_comes_with_its_newest_moment(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [
        {**MOMENT, "id": new_id(), "schedule_guid": guid, "due_at": NOON + timedelta(hours=hour), "run_hash": f"run-{guid}-{hour}"}
        for guid, hours in (("s-1", (2, 3, 1)), ("s-3", (5,)))
        for hour in hours
    ]

    def ask(statement: sa.Executable, params: Any = None) -> Any:
        with engine.connect() as connection:
            return connection.execute(statement, params or {}).mappings().all()

    monkeypatch.setattr(scheduled_questions, "ask", ask)
    with engine.begin() as connection:
        connection.execute(sa.insert(schedule), [{**SCHEDULE, "guid": guid} for guid in ("s-1", "s-2")])
        connection.execute(sa.insert(schedule), {**SCHEDULE, "guid": "s-3", "operation_hash": "not-there"})
        connection.execute(sa.insert(schedule), {**SCHEDULE, "guid": "s-4", "hub": "another"})
        connection.execute(sa.insert(operation), {**OPERATION, "id": new_id(), "created_at": NOON, "updated_at": NOON})
        connection.execute(sa.insert(occurrence), moments)
    rows = scheduled_questions.schedules_shown("hub", 10, None)
    assert [(row["guid"], row["operation_name"], row["run_hash"]) for row in rows] == [
        *(("s-1", "Name", "run-s-1-3"), ("s-2", "Name", None), ("s-3", None, "run-s-3-5")),
    ]
    assert [row["guid"] for row in scheduled_questions.schedules_shown("hub", 1, "s-1")] == ["s-2"]
