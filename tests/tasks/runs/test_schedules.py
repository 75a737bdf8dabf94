"""Schedules, verb by verb, on each engine: fired once, by whatever policy, across stops of the hub and set-back clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from schema.outcome import Refused
from schema.runs import commands
from schema.runs.tables import occurrence, schedule
from tasks import journal, streams
from tasks.failures import is_transient
from tasks.runs import clock as running
from tests.schema.runs.graphs import node, operation
from tests.tasks.runs.conftest import House

#: Ends in the unit that begins it; and waits until somebody answers.
QUICK = operation([node("end", "end")], ["start.Out>end.In"]) | {"Hash": "quick"}
SLOW = operation([node("ask", "value-input", OutputAddress="Output.word", PromptMessage="Which?")], ["start.Out>ask.RequestInput"]) | {"Hash": "slow"}

EACH_MINUTE = {"ScheduleType": "cron", "Parameters": "* * * * *"}


def plan(house: House, operation: str = "quick", guid: str = "s1", **more: Any) -> dict[str, Any]:
    document = {"Hash": operation, **EACH_MINUTE, **more}
    return house.done(commands.SaveSchedule(hub=house.id, guid=guid, document=document))[0]


def change(house: House, guid: str = "s1", **fields: Any) -> dict[str, Any]:
    return house.done(commands.SaveSchedule(hub=house.id, guid=guid, document=fields, must_exist=True))[0]


def history(house: House, guid: str = "s1") -> list[Any]:
    with house.kernel.engine.connect() as connection:
        return list(connection.execute(sa.select(occurrence).where(occurrence.c.schedule_guid == guid).order_by(occurrence.c.due_at)))


def statuses(house: House, guid: str = "s1") -> list[str]:
    return [row.status for row in history(house, guid)]


def runs(house: House) -> int:
    return len(house.rows("SELECT run_hash FROM runs_run"))


def live_run(house: House) -> str:
    (row,) = house.rows("SELECT run_hash FROM runs_run WHERE stopped_at IS NULL")
    return str(row.run_hash)


def at(house: House, moment: datetime) -> None:
    """The clock shows this, and nobody has looked since whenever it was."""
    house.clock.ahead = moment - datetime.now(UTC)


def next_minute(house: House, seconds: float = 0.5) -> None:
    """Just after the next full minute, beat looks."""
    now = house.clock()
    at(house, now.replace(second=0, microsecond=0) + timedelta(minutes=1, seconds=seconds))
    house.pass_time(0)


@pytest.fixture(autouse=True)
def _saved(request: pytest.FixtureRequest) -> None:
    name = "house" if "house" in request.fixturenames else "lite"
    house = request.getfixturevalue(name)
    for document in (QUICK, SLOW):
        house.save(document)
    at(house, house.clock().replace(second=30, microsecond=0) + timedelta(days=1))


def test_a_schedule_is_fired_each_time_with_a_run_of_its_own(house: House) -> None:
    entry = plan(house, Settings={"n": 7}, RunMode="debug")
    assert (entry["GUID"], entry["TargetType"], entry["TargetHash"], entry["CronExpression"], entry["Active"]) == (
        "s1",
        "Operation",
        "quick",
        "* * * * *",
        True,
    )
    house.pass_time(1)
    assert history(house) == [], "it is not due"
    for _ in range(3):
        next_minute(house)
        house.pass_time(1)
    rows = history(house)
    assert [row.status for row in rows] == ["Complete"] * 3
    assert len({row.run_hash for row in rows}) == runs(house) == 3
    assert all(row.due_at.second == 0 and row.ended_at is not None for row in rows)
    run = house.run(rows[0].run_hash)
    assert (run.origin, run.occurrence_id, run.mode) == ("schedule", rows[0].id, "debug")
    (stored,) = house.rows("SELECT * FROM runs_schedule")
    assert datetime.fromisoformat(str(stored.last_at)).minute == rows[-1].due_at.minute


def test_each_kind_fires(lite: House) -> None:
    now = lite.clock()
    plan(lite, guid="i", ScheduleType="interval", Parameters={"IntervalMs": 20_000})
    plan(lite, guid="o", ScheduleType="once", Parameters=(now + timedelta(seconds=45)).isoformat())
    plan(lite, guid="c", ScheduleType="cron", Parameters="*/10 * * * * *")
    plan(lite, guid="h", ScheduleType="hourly", Parameters=None)
    plan(lite, guid="d", ScheduleType="daily", Parameters="", TimeZone="Europe/Berlin")
    for _ in range(61):
        lite.pass_time(1)
    assert [len(history(lite, guid)) for guid in "iochd"] == [3, 1, 6, 0, 0]
    with lite.kernel.engine.connect() as connection:
        ends = dict(connection.execute(sa.select(schedule.c.guid, schedule.c.next_at)).all())
    assert ends["o"] is None
    assert (ends["h"].minute, ends["d"].hour in (22, 23)) == (0, True)


@pytest.mark.parametrize(
    ("policy", "found"), [("skip", ["Missed"] * 3 + ["Complete"]), ("once", ["Missed"] * 2 + ["Complete"] * 2), ("all", ["Complete"] * 4)]
)
def test_what_was_missed_while_nobody_was_there(lite: House, policy: str, found: list[str]) -> None:
    plan(lite, MissedRuns=policy)
    lite.clock.ahead += timedelta(minutes=3, seconds=40)
    lite.pass_time(0)
    assert statuses(lite) == found
    assert runs(lite) == found.count("Complete")
    next_minute(lite)
    assert statuses(lite) == [*found, "Complete"]


def test_a_long_silence_is_noted_in_bounds(lite: House) -> None:
    plan(lite, MissedRuns="skip")
    plan(lite, guid="s2", MissedRuns="all")
    lite.clock.ahead += timedelta(minutes=250)
    lite.pass_time(0)
    rows = history(lite)
    assert [len(rows), rows[-2].reason, statuses(lite, "s2").count("Complete")] == [101, "nobody was there, and not for those after it", 100]
    lite.pass_time(1)
    lite.pass_time(1)
    assert (len(history(lite)), statuses(lite, "s2")) == (101, ["Complete"] * 250)


def test_queue_begins_one_after_the_other(house: House) -> None:
    plan(house, "slow", Overlap="queue")
    for _ in range(3):
        next_minute(house)
    assert statuses(house) == ["Started", "Queued", "Queued"]
    for left in (["Started", "Queued"], ["Started"], []):
        house.done(house.answer(live_run(house), "ask", "x"))
        house.flush()
        assert statuses(house) == ["Complete"] * (3 - len(left)) + left
    assert runs(house) == 3


def test_skip_leaves_out_what_overlaps(lite: House) -> None:
    plan(lite, "slow", Overlap="skip")
    for _ in range(3):
        next_minute(lite)
    assert statuses(lite) == ["Started", "Skipped", "Skipped"]
    assert history(lite)[1].reason == f"{live_run(lite)} still runs"
    lite.done(lite.abandon(live_run(lite)))
    lite.flush()
    next_minute(lite)
    assert statuses(lite) == ["Abandoned", "Skipped", "Skipped", "Started"]


def test_replace_ends_what_runs(house: House) -> None:
    plan(house, "slow", Overlap="replace")
    for _ in range(3):
        next_minute(house)
    rows = history(house)
    assert [row.status for row in rows] == ["Replaced", "Replaced", "Started"]
    assert rows[0].ended_at is not None
    assert rows[0].reason == f"{rows[1].run_hash} took its place"
    assert [house.status(row.run_hash) for row in rows] == ["Abandoned", "Abandoned", "Waiting"]


def test_many_looks_and_a_clock_that_is_set_back_fire_each_moment_once(lite: House) -> None:
    plan(lite)
    next_minute(lite)
    at(lite, lite.clock() - timedelta(minutes=2))
    change(lite, Parameters="*/1 * * * *")
    for _ in range(3):
        next_minute(lite)
        for _ in range(3):
            running.watch(lite.kernel)
        lite.flush()
    rows = history(lite)
    assert len({row.due_at for row in rows}) == len(rows) == runs(lite)


def test_two_workers_and_many_beats_fire_each_moment_once(database_url: str, houses: Callable[..., House]) -> None:
    """Each beat asks for itself, two workers carry out at the same time: the lane, the cursor and the row's key decide."""
    first, second = houses(database_url), houses(database_url)
    first.save(QUICK)
    now = first.clock()
    for n in range(5):
        plan(first, guid=f"s{n}", ScheduleType="once", Parameters=(now + timedelta(seconds=5)).isoformat())
    first.clock.ahead = second.clock.ahead = timedelta(seconds=10)
    for _ in range(4):
        running.watch(first.kernel)
        running.watch(second.kernel)
    failed: list[BaseException] = []

    def work(house: House) -> None:
        try:
            while waiting := streams.waiting(house.kernel.redis, house.kernel.settings.one_writer):
                for group in waiting:
                    try:
                        journal.flush(house.kernel, group, str(id(house)))
                    except Exception as error:
                        if not is_transient(error):
                            raise
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [Thread(target=work, args=(house,)) for house in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    first.flush()
    assert [statuses(first, f"s{n}") for n in range(5)] == [["Complete"]] * 5
    assert runs(first) == 5
    first.audit()


def test_a_stopped_schedule_waits_for_nothing_and_makes_up_for_nothing(house: House) -> None:
    plan(house, "slow", MissedRuns="all")
    next_minute(house)
    next_minute(house)
    assert statuses(house) == ["Started", "Queued"]
    told = house.done(commands.SwitchSchedule(hub=house.id, guid="s1", on=False))[0]
    assert (told["Status"], told["Entry"]["Active"], told["Entry"]["NextAt"]) == ("Entry Stopped", False, None)
    next_minute(house)
    assert statuses(house) == ["Started", "Skipped"]
    house.clock.ahead += timedelta(minutes=10)
    assert house.done(commands.SwitchSchedule(hub=house.id, guid="s1", on=True))[0]["Status"] == "Entry Started"
    house.pass_time(0)
    assert statuses(house) == ["Started", "Skipped"]
    next_minute(house)
    assert statuses(house) == ["Started", "Skipped", "Queued"]


def test_all_schedules_can_be_stopped_and_started(lite: House) -> None:
    plan(lite, MissedRuns="all")
    lite.done(commands.SwitchSchedules(hub=lite.id, on=False))
    next_minute(lite)
    next_minute(lite)
    assert statuses(lite) == []
    lite.clock.ahead += timedelta(minutes=10)
    lite.done(commands.SwitchSchedules(hub=lite.id, on=True))
    lite.pass_time(0)
    assert statuses(lite) == [], "what was due while nobody wanted it was not missed"
    next_minute(lite)
    assert statuses(lite) == ["Complete"]


def test_a_change_begins_anew_and_keeps_what_it_does_not_name(lite: House) -> None:
    plan(lite, TimeZone="Europe/Berlin", Overlap="skip", Settings={"a": 1})
    changed = change(lite, ScheduleType="interval", Parameters={"IntervalMs": 60_000})
    assert (changed["ScheduleType"], changed["TimeZone"], changed["Overlap"], changed["Settings"]) == ("interval", "Europe/Berlin", "skip", {"a": 1})
    assert (changed["CronExpression"], changed["Parameters"]) == ("", {"IntervalMs": 60_000})
    kept = change(lite, MissedRuns="all")
    assert (kept["NextAt"], kept["MissedRuns"]) == (changed["NextAt"], "all")
    assert change(lite, ScheduleType="daily")["CronExpression"] == "0 0 * * *"
    paused = change(lite, Active=False)
    assert (paused["Active"], paused["NextAt"]) == (False, None)


def test_a_deleted_schedule_takes_its_history_with_it_and_leaves_its_runs(lite: House) -> None:
    plan(lite)
    next_minute(lite)
    assert lite.done(commands.DeleteSchedule(hub=lite.id, guid="s1")) == [{"Status": "Deleted", "GUID": "s1"}]
    next_minute(lite)
    assert (history(lite), runs(lite)) == ([], 1)


def test_a_run_that_ends_after_its_schedule_is_gone_ends_well(lite: House) -> None:
    plan(lite, "slow")
    next_minute(lite)
    lite.done(commands.DeleteSchedule(hub=lite.id, guid="s1"))
    lite.done(lite.answer(live_run(lite), "ask", "x"))
    lite.flush()
    assert (history(lite), [row.status for row in lite.rows("SELECT status FROM runs_run")]) == ([], ["Complete"])


def test_an_operation_that_is_deleted_leaves_a_reason_behind(lite: House) -> None:
    plan(lite)
    lite.done(commands.DeleteOperation(hub=lite.id, operation_hash="quick"))
    next_minute(lite)
    next_minute(lite)
    assert [(row.status, row.reason) for row in history(lite)] == [("Skipped", "There is no operation quick.")] * 2


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"Parameters": "nonsense"}, "Parameters"),
        ({"TimeZone": "Mars/Olympus"}, "TimeZone"),
        ({"ScheduleType": "interval", "Parameters": 0}, "Parameters"),
        ({"ScheduleType": "once", "Parameters": "2020-01-01T00:00:00Z"}, "Parameters"),
        ({"Hash": "nobody"}, "Hash"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_stored(lite: House, fields: dict[str, Any], wrong: str) -> None:
    document = {"Hash": "quick", **EACH_MINUTE, **fields}
    (outcome,) = lite.do(commands.SaveSchedule(hub=lite.id, guid="s1", document=document))
    assert isinstance(outcome, Refused)
    assert (outcome.code, list(outcome.details["Fields"])) == ("invalid", [wrong])
    assert lite.rows("SELECT guid FROM runs_schedule") == []
    before = plan(lite)
    (again,) = lite.do(commands.SaveSchedule(hub=lite.id, guid="s1", document=fields, must_exist=True))
    assert isinstance(again, Refused)
    assert change(lite, MissedRuns=before["MissedRuns"])["Parameters"] == before["Parameters"]


def test_a_schedule_that_is_not_there(lite: House) -> None:
    for command in (
        commands.SaveSchedule(hub="h", guid="none", document={}, must_exist=True),
        commands.DeleteSchedule(hub="h", guid="none"),
        commands.SwitchSchedule(hub="h", guid="none", on=True),
        commands.OccurrenceEnded(hub="h", occurrence_id="none", status="Complete"),
    ):
        assert lite.refused(command) == "not_found"


def test_history_is_kept_in_bounds(lite: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runs.firing.MOST_KEPT", 3)
    monkeypatch.setattr("tasks.runs.firing.PAGE", 1)
    plan(lite)
    plan(lite, "slow", guid="s2")
    for _ in range(12):
        next_minute(lite)
    newest = history(lite)[-3:]
    assert lite.done(commands.TrimOccurrences(hub=lite.id)) == [{"Deleted": 5}]
    lite.flush()
    assert history(lite) == newest
    assert statuses(lite, "s2") == ["Started"] + ["Queued"] * 11, "what is not over stays"
    lite.clock.ahead += timedelta(days=91)
    lite.done(commands.TrimOccurrences(hub=lite.id))
    assert history(lite) == []
