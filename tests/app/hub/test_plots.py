"""Plots: any time in a bounded number of points, holes where nobody looked, rates from differences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.reading import recorded
from schema.hub.rules.sampling import KEPT_SLOTS, MOST_POINTS, SLOT_SECONDS, slot_of
from schema.hub.tables import sample
from tests.app.worker import Worker

NOTHING: dict[str, Any] = dict.fromkeys(("waiting", "running", "stalled", "stored", "completed", "errored", "canceled", "beacons", "slots"), 0)
NOTHING |= dict.fromkeys(("wait_p50", "wait_p95", "run_p50", "run_p95"))


def row(slot: int, **values: Any) -> dict[str, Any]:
    return {"hub": "hub", "slot": slot, **NOTHING, **values}


@pytest.fixture
def keep(idle: Worker) -> Any:
    def stored(rows: list[dict[str, Any]]) -> None:
        with idle.kernel.engine.begin() as connection:
            connection.execute(sa.insert(sample), rows)

    return stored


def test_depths_rates_and_holes(client: FlaskClient, keep: Any) -> None:
    now = slot_of(datetime.now(UTC)) - 3
    keep([row(now - 3, completed=10, waiting=4), row(now - 2, completed=40, waiting=2, wait_p95=70), row(now, completed=41)])
    told = client.get(f"/api/samples?from={_at(now - 2)}&to={_at(now)}").json
    assert told["SecondsPerPoint"] == SLOT_SECONDS
    assert told["At"] == [slot * SLOT_SECONDS for slot in (now - 2, now - 1, now)]
    assert told["Waiting"] == [2, None, 0]
    assert told["WaitP95Ms"] == [70, None, None]
    assert told["CompletedPerMinute"] == [180.0, None, None]


def test_a_week_has_as_many_points_as_a_screen_can_show_and_costs_one_question(client: FlaskClient, keep: Any) -> None:
    now = slot_of(datetime.now(UTC))
    rows = [row(slot, completed=slot, running=slot % 7) for slot in range(now - KEPT_SLOTS, now)]
    keep(rows)
    client.get("/api/samples")
    with recorded() as statements:
        told = client.get("/api/samples?from=now-7d").json
    assert len(statements) == 1
    assert MOST_POINTS - 5 <= len(told["At"]) <= MOST_POINTS + 1
    assert {len(column) for column in told.values() if isinstance(column, list)} == {len(told["At"])}
    assert set(told["CompletedPerMinute"][1:-1]) == {60 / SLOT_SECONDS}


def test_a_time_that_makes_no_sense_is_refused(client: FlaskClient, idle: Worker) -> None:
    assert client.get("/api/samples?from=yesterday").status_code == 400
    assert client.get("/api/samples?from=now&to=now-1h").status_code == 400


def _at(slot: int) -> str:
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC).isoformat().replace("+00:00", "Z")
