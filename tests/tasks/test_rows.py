"""Rows that are held back are never seen as they are not: whatever is done in whatever order, reads tell what was done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.kernel import new_id
from tasks.unit import Unit
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import thing

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = "abcdef"
keys = st.sampled_from(KEYS)
values = st.integers(0, 9)
columns = st.dictionaries(st.sampled_from(["value", "name"]), values, min_size=1).map(
    lambda chosen: {name: str(value) if name == "name" else value for name, value in chosen.items()}
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), keys, values),
        st.tuples(st.just("amend"), keys, columns),
        st.tuples(st.just("find"), keys, st.none()),
        st.tuples(st.just("fetch"), st.lists(keys, max_size=4), st.none()),
        st.tuples(st.just("raise all"), values, st.none()),
        st.tuples(st.just("delete"), keys, st.none()),
        st.tuples(st.just("delete in words"), keys, st.none()),
        st.tuples(st.just("sum"), st.none(), st.none()),
    ),
    max_size=25,
)


def do(unit: Unit, model: dict[str, dict[str, Any]], step: tuple[str, Any, Any]) -> None:
    """Take a step with the unit and with a plain dictionary, and compare what they tell."""
    match step:
        case ("add", key, value):
            if key not in model:
                model[key] = {"id": key, "lane": A, "name": key, "value": value, "at": AT}
                unit.add(thing, dict(model[key]))
        case ("amend", key, changed):
            unit.amend(thing, (key,), changed)
            if key in model:
                model[key] |= changed
        case ("find", key, _):
            row = unit.find(thing, (key,))
            assert (row and dict(row)) == model.get(key)
        case ("fetch", wanted, _):
            unit.fetch(thing, [(key,) for key in wanted])
        case ("raise all", value, _):
            unit.change(sa.update(thing).values(value=thing.c.value + value))
            for row in model.values():
                row["value"] += value
        case ("delete", key, _):
            hit = unit.change(sa.delete(thing).where(thing.c.id == key)).rowcount
            assert hit == (model.pop(key, None) is not None)
        case ("delete in words", key, _):
            unit.change(sa.text("DELETE FROM shelf_thing WHERE id = :id"), {"id": key})
            model.pop(key, None)
        case _:
            assert unit.read(sa.select(sa.func.coalesce(sa.func.sum(thing.c.value), 0))).scalar() == sum(row["value"] for row in model.values())


def contents(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    return {row["id"]: dict(row) for row in connection.execute(sa.select(thing)).mappings()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(steps=steps)
def test_a_unit_tells_what_a_dictionary_would(steps: list[tuple[str, Any, Any]], lite: Rig) -> None:
    with lite.engine.connect() as connection:
        unit = Unit(connection, A, AT, new_id)
        model: dict[str, dict[str, Any]] = {}
        for step in steps:
            do(unit, model, step)
        unit.close()
        assert contents(connection) == model
        connection.rollback()


SCRIPT = [
    ("add", "a", 1),
    ("amend", "a", {"value": 2}),
    ("find", "a", None),
    ("amend", "a", {"name": "n"}),
    ("amend", "b", {"value": 9}),
    ("add", "b", 3),
    ("sum", None, None),
    ("raise all", 5, None),
    ("find", "a", None),
    ("delete in words", "a", None),
    ("find", "a", None),
    ("amend", "b", {"value": 4, "name": "m"}),
]


def test_so_it_does_on_each_engine(rig: Rig) -> None:
    model: dict[str, dict[str, Any]] = {}
    with rig.engine.begin() as connection:
        unit = Unit(connection, A, AT, new_id)
        for step in SCRIPT:
            do(unit, model, step)
        unit.close()
    with rig.engine.connect() as connection:
        assert contents(connection) == model


def test_what_was_found_does_not_change_under_its_readers_hands(lite: Rig) -> None:
    with lite.engine.begin() as connection:
        unit = Unit(connection, A, AT, new_id)
        unit.add(thing, {"id": "a", "lane": A, "name": "a", "value": 1, "at": AT})
        before = unit.find(thing, ("a",))
        unit.amend(thing, ("a",), {"value": 2})
        after = unit.find(thing, ("a",))
    assert before is not None
    assert after is not None
    assert (before["value"], after["value"]) == (1, 2)


def test_a_row_twice_is_refused_by_the_table(rig: Rig) -> None:
    with rig.engine.connect() as connection:
        unit = Unit(connection, A, AT, new_id)
        for _ in range(2):
            unit.add(thing, {"id": "a", "lane": A, "name": "a", "value": 1, "at": AT})
        with pytest.raises(sa.exc.IntegrityError):
            unit.close()
        connection.rollback()
    assert rig.count("shelf_thing") == 0


def test_changes_of_one_row_are_one_statement(lite: Rig, statements: Callable[[sa.Engine], list[str]]) -> None:
    """So a rule of the table sees only how the unit leaves the row, and never a state between."""
    with lite.engine.begin() as connection:
        unit = Unit(connection, A, AT, new_id)
        unit.add(thing, {"id": "a", "lane": A, "name": "a", "value": 1, "at": AT})
        seen = statements(lite.engine)
        unit.amend(thing, ("a",), {"name": None})
        unit.amend(thing, ("a",), {"name": "b", "value": 2})
        assert seen == []
        unit.close()
    assert [text.split()[0] for text in seen] == ["INSERT", "UPDATE"]
    assert lite.rows("SELECT name, value FROM shelf_thing") == [("b", 2)]
