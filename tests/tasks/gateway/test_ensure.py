"""A foreign database is brought to its descriptor: forward only, once, whoever else tries and whatever dies."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from schema.gateway.rules.descriptor import Descriptor, descriptor_of
from tasks.gateway.ensuring import Unshaped, ensured, planned
from tests.services.processes import Process
from tests.tasks.gateway.targets import opened
from tests.tasks.gateway.uv import UV, changed, with_column, without_column

INDEXES = {
    "AK_M_UVManifest_GUIDUVManifest",
    "IX_M_UVManifest_IDOwner",
    "IX_UVManifest_1",
    "IX_UVManifest_Hash",
    "IX_UVQueueWorkItem_Dispatch",
    "IX_UVQueueWorkItem_Hash",
}
EMPTY = ("TablesCreated", "ColumnsAdded", "IndicesCreated", "MigrationStatements", "SkippedDestructive", "Notes")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An empty foreign database of each kind, opened to be shaped."""
    made = opened(database_url, "build")
    yield made
    made.dispose()


def wish(given: dict[str, Any]) -> Descriptor:
    return descriptor_of(given)


def ledger(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT schema_name, version, digest, statements, actor FROM ultravisor_schema ORDER BY id")))


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def quoted(engine: sa.Engine, name: str) -> str:
    return engine.dialect.identifier_preparer.quote(name)


def uniques(engine: sa.Engine, table: str) -> dict[str, bool]:
    return {str(index["name"]): bool(index["unique"]) for index in sa.inspect(engine).get_indexes(table)}


def test_all_is_made_once_and_a_second_run_has_nothing_to_do(engine: sa.Engine) -> None:
    plan = planned(engine, wish(UV))
    assert [step.subject for step in plan.forward if step.kind == "create-table"] == sa.inspect(engine).get_table_names() or not plan.skipped
    first = ensured(engine, wish(UV), "user:ada")
    assert (set(first["TablesCreated"]), set(first["IndicesCreated"])) == ({"UVManifest", "UVQueueWorkItem"}, INDEXES)
    assert first["MigrationStatements"] == [step.statement for step in plan.forward], "the plan is what is done"
    assert (first["SkippedDestructive"], first["ColumnsAdded"]) == ([], [])
    again = ensured(engine, wish(UV), "user:bob")
    assert {name: again[name] for name in EMPTY} == {name: [] for name in EMPTY}
    ((name, version, digest, statements, actor),) = ledger(engine)
    assert (name, version, digest, actor) == ("ultravisor-persistence", "1.2", wish(UV).digest, "user:ada")
    assert json.loads(statements) == first["MigrationStatements"]


def test_wide_texts_are_as_wide_as_they_should_be(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    columns = {column["name"]: column for column in sa.inspect(engine).get_columns("UVManifest")}
    assert columns["StagingPath"]["type"].length == 1024
    assert columns["Hash"]["nullable"] is False
    run(engine, f"INSERT INTO {quoted(engine, 'UVManifest')} ({quoted(engine, 'Hash')}) VALUES ('{'x' * 128}')")


def test_a_unique_index_that_was_dropped_is_unique_again(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    on = f" ON {quoted(engine, 'UVManifest')}" if engine.dialect.name in ("mysql", "mariadb") else ""
    run(engine, f"DROP INDEX {quoted(engine, 'IX_UVManifest_Hash')}{on}")
    mended = ensured(engine, wish(UV), "a")
    assert mended["IndicesCreated"] == ["IX_UVManifest_Hash"]
    assert uniques(engine, "UVManifest")["IX_UVManifest_Hash"] is True


def test_a_column_is_added_and_rows_stay(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    run(engine, f"INSERT INTO {quoted(engine, 'UVManifest')} ({quoted(engine, 'Hash')}) VALUES ('one')")
    more = with_column(1, Colour="String 20", Weight="Integer", GUIDBox="AutoGUID", Extra="JSON")
    added = ensured(engine, wish(more), "a")
    assert added["ColumnsAdded"] == ["UVManifest.Colour", "UVManifest.Weight", "UVManifest.GUIDBox", "UVManifest.Extra"]
    assert added["IndicesCreated"] == ["AK_M_UVManifest_GUIDBox"]
    with engine.connect() as connection:
        row = connection.execute(sa.text(f"SELECT * FROM {quoted(engine, 'UVManifest')}")).mappings().one()
    assert (row["Hash"], row["Colour"], row["Weight"], row["GUIDBox"]) == ("one", "", 0, None)
    assert ensured(engine, wish(more), "a")["MigrationStatements"] == []


def test_what_would_take_something_away_is_listed_and_never_done(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    smaller = without_column("StagingPath")
    smaller["Tables"][0]["Indexes"].pop()
    smaller["Tables"][0]["Schema"][1]["Size"] = 64
    listed = ensured(engine, wish(smaller), "a")
    assert listed["MigrationStatements"] == []
    assert listed["SkippedDestructive"] == [
        "alter-column:UVQueueWorkItem.WorkItemHash",
        "drop-column:UVManifest.StagingPath",
        "drop-index:IX_UVQueueWorkItem_Dispatch",
    ]
    assert len(listed["Notes"]) == 1
    assert "StagingPath" in {column["name"] for column in sa.inspect(engine).get_columns("UVManifest")}
    assert len(ledger(engine)) == 1, "nothing was done, so nothing is written down"


def test_an_index_of_that_name_that_is_not_unique_is_left_and_listed(engine: sa.Engine) -> None:
    ensured(engine, wish(changed("Tables", 1, "Indexes", 0, "Unique", to=False)), "a")
    listed = ensured(engine, wish(UV), "a")
    assert (listed["MigrationStatements"], listed["SkippedDestructive"]) == ([], ["drop-index:IX_UVManifest_Hash"])


def test_other_tables_are_left_alone(engine: sa.Engine) -> None:
    run(engine, "CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY, x FLOAT)")
    made = ensured(engine, wish(UV), "a")
    assert made["SkippedDestructive"] == []
    assert "somebody_elses" in sa.inspect(engine).get_table_names()


def test_rows_that_stand_in_the_way_of_a_unique_index_are_an_error_that_changes_nothing(engine: sa.Engine) -> None:
    ensured(engine, wish(changed("Tables", 1, "Indexes", to=[])), "a")
    insert = f"INSERT INTO {quoted(engine, 'UVManifest')} ({quoted(engine, 'Hash')}) VALUES ('same')"
    run(engine, insert, insert)
    more = with_column(1, Colour="String 20")
    with pytest.raises(Unshaped) as refused:
        ensured(engine, wish(more), "a")
    assert refused.value.code == "conflict"
    assert "IX_UVManifest_Hash" in refused.value.text
    there = {column["name"] for column in sa.inspect(engine).get_columns("UVManifest")}
    if engine.dialect.name in ("mysql", "mariadb"):
        assert len(refused.value.done) >= 1, "it cannot take a step back, and says which ones it took"
        assert "Colour" in there
    else:
        assert (refused.value.done, "Colour" in there) == ((), False)


def test_an_older_descriptor_is_refused_unless_forced(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    older = changed("Version", to="1.1")
    with pytest.raises(Unshaped) as refused:
        ensured(engine, wish(older), "a")
    assert refused.value.code == "stale"
    assert ensured(engine, wish(older), "a", force=True)["MigrationStatements"] == []
    assert ensured(engine, wish(changed("Version", to="1.10")), "a")["MigrationStatements"] == []


def test_twenty_at_once_do_it_once(engine: sa.Engine, database_url: str) -> None:
    def one(number: int) -> dict[str, Any]:
        mine = opened(database_url, "build")
        try:
            return ensured(mine, wish(UV), f"user:{number}")
        finally:
            mine.dispose()

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(one, range(20)))
    assert sorted(len(result["TablesCreated"]) for result in results) == [0] * 19 + [2]
    assert all(result["Success"] for result in results)
    assert len(ledger(engine)) == 1
    assert {name for name, unique in uniques(engine, "UVManifest").items() if unique} == {"AK_M_UVManifest_GUIDUVManifest", "IX_UVManifest_Hash"}


SHAPE = """
import json, sys
from schema.gateway.rules.descriptor import descriptor_of
from tasks.gateway.ensuring import ensured
from tests.tasks.gateway.targets import opened
from tests.tasks.gateway.uv import UV
ensured(opened(sys.argv[1], "build"), descriptor_of(UV), "child")
print("done")
"""


@pytest.mark.parametrize("step", [1, 3, 6])
def test_one_that_is_killed_in_the_middle_is_finished_by_the_next(
    engine: sa.Engine, database_url: str, step: int, launch: Callable[..., Process]
) -> None:
    child = launch(sys.executable, "-c", SHAPE, database_url, env={"UV_TEST_CRASH_AT": f"shape_step_taken:{step}"})
    assert child.wait() == -signal.SIGKILL, child.output
    there = set(sa.inspect(engine).get_table_names())
    assert bool(there) == (engine.dialect.name in ("mysql", "mariadb")), "the others take back what was not committed"
    finished = ensured(engine, wish(UV), "a")
    assert set(finished["IndicesCreated"]) <= INDEXES
    assert ensured(engine, wish(UV), "a")["MigrationStatements"] == []
    assert set(uniques(engine, "UVManifest")) | set(uniques(engine, "UVQueueWorkItem")) == INDEXES


def test_a_plan_says_what_each_step_may_cost(engine: sa.Engine) -> None:
    ensured(engine, wish(UV), "a")
    more = with_column(0, Colour="String 20")
    more["Tables"][0]["Indexes"] += [{"Name": "U", "Columns": ["Colour"], "Unique": True}, {"Name": "I", "Columns": ["Colour"]}]
    more["Tables"][1]["Schema"].pop()
    plan = planned(engine, wish(more))
    assert {(step.kind, step.name): step.hazard for step in (*plan.forward, *plan.skipped)} == {
        ("add-column", "Colour"): "none",
        ("create-index", "I"): "locks",
        ("create-index", "U"): "may fail",
        ("drop-column", "CreatingIDUser"): "destructive",
    }
    assert planned(engine, wish(UV)).forward == (), "planning changes nothing"
