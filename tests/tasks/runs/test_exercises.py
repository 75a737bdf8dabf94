"""What exercises have shown is kept, once."""

from __future__ import annotations

import sqlalchemy as sa

from schema.runs.commands import BeginExercise, EndExercise
from schema.runs.tables import exercise
from tests.tasks.runs.conftest import House


def test_an_exercise_is_a_row_that_is_ended_once(house: House) -> None:
    begin = BeginExercise(hub=house.id, id="e1", exercise="oe-single-etl", time_scale=0.1)
    end = EndExercise(hub=house.id, id="e1", state="Complete", measured={"DrainSeconds": 1.5}, verdicts=[{"Name": "a", "Passed": True}], passed=True)
    house.done(begin, begin)
    house.done(end, EndExercise(hub=house.id, id="e1", state="TimedOut", measured={}, verdicts=[], passed=False))
    with house.kernel.engine.connect() as connection:
        (row,) = connection.execute(sa.select(exercise)).mappings()
    assert (row["name"], row["time_scale"], row["state"], row["passed"]) == ("oe-single-etl", 0.1, "Complete", True)
    assert (row["measured"], row["verdicts"]) == ({"DrainSeconds": 1.5}, [{"Name": "a", "Passed": True}])
    assert row["ended_at"] >= row["started_at"]


def test_one_that_is_not_there_cannot_end(lite: House) -> None:
    assert lite.refused(EndExercise(hub=lite.id, id="none", state="Complete", measured={}, verdicts=[], passed=True)) == "not_found"
