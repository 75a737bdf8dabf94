"""Schedules over HTTP, in the original's shapes and with what we add."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.permits import wanted
from schema.access.rules import OPERATE, READ
from schema.runs import commands
from tests.app.runs.test_runs import SUM
from tests.app.worker import Worker
from tests.services.processes import eventually

pytestmark = pytest.mark.usefixtures("worker")

DAILY = {"Hash": "op", "ScheduleType": "cron", "Parameters": "30 2 * * *", "TimeZone": "Europe/Berlin"}


@pytest.fixture
def saved(client: FlaskClient, worker: Worker) -> FlaskClient:
    assert client.post("/Operation", json=SUM).status_code == 200
    return client


def test_a_schedule_in_the_originals_shapes(saved: FlaskClient) -> None:
    made = saved.post("/Schedule/Operation", json={"Hash": "op", "ScheduleType": "hourly", "Parameters": ""}).get_json()
    assert made["GUID"].startswith("sched-op-op-")
    assert {name: made[name] for name in ("TargetType", "TargetHash", "ScheduleType", "Parameters", "CronExpression", "Active")} == {
        "TargetType": "Operation",
        "TargetHash": "op",
        "ScheduleType": "hourly",
        "Parameters": "",
        "CronExpression": "0 * * * *",
        "Active": True,
    }
    assert saved.get("/Schedule").get_json() == [made]
    status = saved.get("/status").get_json()
    assert (status["ScheduleEntries"], status["ScheduleRunning"]) == (1, True)
    assert saved.post("/Schedule/Stop").get_json() == {"Status": "Schedule Stopped"}
    assert saved.get("/status").get_json()["ScheduleRunning"] is False
    assert saved.post("/Schedule/Start").get_json() == {"Status": "Schedule Started"}
    stopped = saved.post(f"/Schedule/Stop/{made['GUID']}").get_json()
    assert (stopped["Status"], stopped["Entry"]["Active"]) == ("Entry Stopped", False)
    started = saved.post(f"/Schedule/Start/{made['GUID']}", json={}).get_json()
    assert (started["Status"], started["Entry"]["Active"]) == ("Entry Started", True)
    assert saved.delete(f"/Schedule/{made['GUID']}").get_json() == {"Status": "Deleted", "GUID": made["GUID"]}
    for answer in (
        saved.delete(f"/Schedule/{made['GUID']}"),
        saved.post("/Schedule/Start/none"),
        saved.get("/Schedule/none"),
        saved.get("/Schedule/none/Occurrences"),
        saved.put("/Schedule/none", json={}),
    ):
        assert (answer.status_code, answer.get_json()["Code"]) == (404, "not_found")


def test_a_schedule_shows_its_next_moments_and_can_be_changed(saved: FlaskClient) -> None:
    made = saved.post("/Schedule/Operation", json=DAILY | {"Overlap": "skip", "MissedRuns": "all", "Settings": {"n": 3}}).get_json()
    shown = saved.get(f"/Schedule/{made['GUID']}?next=3").get_json()
    assert (len(shown["NextOccurrences"]), shown["NextOccurrences"][0]) == (3, made["NextAt"])
    changed = saved.put(f"/Schedule/{made['GUID']}", json={"ScheduleType": "interval", "Parameters": {"IntervalMs": 90_000}}).get_json()
    assert (changed["Parameters"], changed["Overlap"], changed["TimeZone"]) == ({"IntervalMs": 90_000}, "skip", "Europe/Berlin")
    preview = saved.post("/Schedule/Preview", json={"ScheduleType": "cron", "Parameters": "0 0 29 2 *"}).get_json()
    assert len(preview["NextOccurrences"]) == 10
    assert preview["NextOccurrences"][0].endswith("-02-29T00:00:00.000Z")


def test_what_a_schedule_has_fired_is_told_page_by_page(saved: FlaskClient, worker: Worker) -> None:
    made = saved.post("/Schedule/Operation", json={"Hash": "op", "ScheduleType": "interval", "Parameters": {"IntervalMs": 1_000}}).get_json()

    def fired() -> bool:
        saved.application.extensions["dispatcher"].dispatch(commands.FireSchedules(hub="hub"), wait=5)
        rows = saved.get(f"/Schedule/{made['GUID']}/Occurrences").get_json()
        return [row["Status"] for row in rows][-3:] == ["Complete"] * 3

    eventually(fired)
    saved.post(f"/Schedule/Stop/{made['GUID']}")
    whole = saved.get(f"/Schedule/{made['GUID']}/Occurrences").get_json()
    first = saved.get(f"/Schedule/{made['GUID']}/Occurrences?limit=2")
    second = saved.get(f"/Schedule/{made['GUID']}/Occurrences?limit=2&after={first.headers['X-Next-Cursor']}")
    assert [*first.get_json(), *second.get_json()] == whole[:4]
    manifest = saved.get(f"/Manifest/{whole[-1]['RunHash']}").get_json()
    assert (manifest["Origin"], manifest["Output"]) == ("schedule", {"sum": 2})
    assert saved.get(f"/Schedule/{made['GUID']}/Occurrences?after=x").status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ScheduleType": "cron"}, "Hash"),
        ({"Hash": "op"}, "ScheduleType"),
        ({"ScheduleType": "weekly"}, "ScheduleType"),
        ({"ScheduleType": "cron", "Parameters": "* * *"}, "Parameters"),
        ({"ScheduleType": "cron", "Parameters": ["* * * * *"]}, "Parameters"),
        ({"ScheduleType": "interval", "Parameters": 0}, "Parameters"),
        ({"TimeZone": "Mars/Olympus"}, "TimeZone"),
        ({"Hash": "nobody"}, "Hash"),
        ({"MissedRuns": "maybe"}, "MissedRuns"),
        ({"Overlap": "all"}, "Overlap"),
        ({"Settings": 5}, "Settings"),
        ({"Frequency": 5}, "Frequency"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(saved: FlaskClient, body: dict[str, Any], field: str) -> None:
    sent = {**DAILY, **body} if field in body else {name: value for name, value in {**DAILY, **body}.items() if name != field}
    answer = saved.post("/Schedule/Operation", json=sent)
    assert (answer.status_code, answer.get_json()["Code"], list(answer.get_json()["Fields"])) == (422, "invalid", [field])
    assert saved.get("/Schedule").get_json() == []
    if field in ("ScheduleType", "Parameters", "TimeZone"):
        timing = {name: value for name, value in sent.items() if name != "Hash"}
        assert list(saved.post("/Schedule/Preview", json=timing).get_json()["Fields"]) == [field]


def test_the_same_key_is_the_same_schedule(saved: FlaskClient) -> None:
    first, second = (saved.post("/Schedule/Operation", json=DAILY, headers={"Idempotency-Key": "k"}).get_json() for _ in range(2))
    assert first == second
    assert len(saved.get("/Schedule").get_json()) == 1
    saved.post("/Schedule/Operation", json=DAILY)
    assert len(saved.get("/Schedule?operation=op").get_json()) == 2
    assert saved.get("/Schedule?operation=other").get_json() == []


def test_nothing_is_switched_by_being_looked_at(saved: FlaskClient) -> None:
    assert {saved.get(f"/Schedule/{word}").status_code for word in ("Start", "Stop")} == {405}
    assert saved.get("/status").get_json()["ScheduleRunning"] is True
    assert {wanted("POST", f"/Schedule/{word}{rest}") for word in ("Start", "Stop") for rest in ("", "/<guid>")} == {OPERATE}
    assert (wanted("POST", "/Schedule/Preview"), wanted("GET", "/Schedule")) == (READ, READ)


def test_the_page_is_told_the_newest_moment_of_each(saved: FlaskClient, worker: Worker) -> None:
    saved.post("/Operation", json=SUM | {"Hash": "other", "Name": "Other"})
    made = saved.post("/Schedule/Operation", json={"Hash": "op", "ScheduleType": "interval", "Parameters": {"IntervalMs": 1_000}}).get_json()
    saved.post("/Schedule/Operation", json=DAILY | {"Hash": "other"})

    def fired() -> bool:
        saved.application.extensions["dispatcher"].dispatch(commands.FireSchedules(hub="hub"), wait=5)
        return len(saved.get(f"/Schedule/{made['GUID']}/Occurrences").get_json()) > 1

    eventually(fired)
    saved.post(f"/Schedule/Stop/{made['GUID']}")
    newest = saved.get(f"/Schedule/{made['GUID']}/Occurrences?limit=1").get_json()[0]
    first = saved.get("/api/schedules?limit=1").get_json()
    assert (first["Entries"], first["Running"]) == (2, True)
    (one,) = first["Schedules"]
    assert (one["GUID"], one["Last"]["DueAt"]) == (made["GUID"], newest["DueAt"])
    saved.delete("/Operation/other")
    second = saved.get(f"/api/schedules?limit=1&after={first['Next']}").get_json()
    assert second["Next"] is None
    assert [(one["TargetHash"], one["OperationName"], one["Last"]) for one in second["Schedules"]] == [("other", None, None)]
    assert [one["TargetHash"] for one in saved.get("/api/schedules?operation=op").get_json()["Schedules"]] == ["op"]
    assert saved.get("/api/schedules?after=nonsense").status_code == 422
