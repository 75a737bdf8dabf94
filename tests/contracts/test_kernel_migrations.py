"""The database that migrations make is the one that the tables describe, on every engine, however often and by how many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import schema.hub.tables
import schema.ledger.tables  # noqa: F401 - imported for the tables that they declare
from schema.sql import metadata
from tasks import migrations, unit
from tasks.failures import SchemaMissing, is_transient

#: What is declared by the product; tests declare theirs elsewhere.
TABLES = sorted(metadata.tables)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An empty database on each engine."""
    made = unit.connect(database_url)
    yield made
    made.dispose()


def differences(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True}), metadata))


def test_models_equal_migrations(engine: sa.Engine) -> None:
    assert len(differences(engine)) >= len(TABLES)
    migrations.upgrade(engine)
    assert differences(engine) == []


def test_types_are_those_that_the_models_would_make(database_url: str, engine: sa.Engine, request: pytest.FixtureRequest) -> None:
    """As the engine itself tells them: comparing models with reflected types lets near relatives pass."""
    migrations.upgrade(engine)
    migrated = _columns(engine)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == _columns(engine)


def _columns(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Columns of our tables with type, collation, length, precision and whether they may be null, in the engine's own words."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Without their numbers: a column that came later is the last one, wherever the model has it.
            return {name: sorted(tuple(row)[1:] for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")) for name in TABLES}
        here = "current_schema()" if engine.dialect.name == "postgresql" else "database()"
        wanted = (
            "column_name, data_type, collation_name, character_maximum_length, numeric_precision, datetime_precision, is_nullable, column_default"
        )
        text = f"SELECT {wanted} FROM information_schema.columns WHERE table_schema = {here} AND table_name = :name ORDER BY column_name"
        return {name: [tuple(row) for row in connection.execute(sa.text(text), {"name": name})] for name in TABLES}


def test_each_constraint_and_index_has_the_name_that_the_models_give_it(engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    reflected = sa.inspect(engine)
    for name in TABLES:
        table = metadata.tables[name]
        checks = {check["name"] for check in reflected.get_check_constraints(name)}
        assert {check.name for check in table.constraints if isinstance(check, sa.CheckConstraint)} <= checks
        uniques = {unique["name"] for unique in reflected.get_unique_constraints(name)}
        assert {unique.name for unique in table.constraints if isinstance(unique, sa.UniqueConstraint)} == uniques
        indexes = {index["name"] for index in reflected.get_indexes(name)} - uniques
        assert {index.name for index in table.indexes} == indexes
        if engine.dialect.name != "mysql":  # where every primary key is called PRIMARY
            assert reflected.get_pk_constraint(name)["name"] == table.primary_key.name


def test_checks_are_enforced(engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    with pytest.raises(sa.exc.DBAPIError) as raised, engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO hub_work_attempt (work_item_hash, attempt_number, hub, beacon_id, started_at, outcome, error)"
                " VALUES ('w', 1, 'h', 'b', '2026-01-01 00:00:00', 'Complete', '')"
            )
        )
    assert "ck_hub_work_attempt_ended_has_time" in str(raised.value)
    assert not is_transient(raised.value)


def test_upgrading_again_is_nothing(engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *heard: seen.append(heard[2]))
    migrations.upgrade(engine)
    assert seen
    assert not [text for text in seen if text.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"))]
    assert migrations.revision(engine) == migrations.head()


def test_two_who_migrate_at_once_migrate_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    real = migrations.command.upgrade

    def upgrade(config: Any, revision: str) -> None:
        ran.append(threading.current_thread().name)
        real(config, revision)

    monkeypatch.setattr(migrations.command, "upgrade", upgrade)
    meet = threading.Barrier(3)
    failed: list[BaseException] = []

    def migrate() -> None:
        engine = unit.connect(database_url)
        meet.wait()
        try:
            _until_done(lambda: migrations.upgrade(engine))
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(ran) == 1


def _until_done(step: Callable[[], None]) -> None:
    """As Celery would: what passes is tried again."""
    for _ in range(20):
        try:
            return step()
        except Exception as error:
            if not is_transient(error):
                raise
    raise AssertionError("tried for too long")


def test_a_migration_that_is_killed_at_any_step_can_be_begun_again(engine: sa.Engine) -> None:
    """Each run dies one step later than the one before; where steps commit by themselves, the next one finds their work."""

    class Killed(BaseException):
        pass

    steps = [0]
    limit = 0

    def count(_: Any, __: Any, statement: str, *more: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "INSERT")):
            steps[0] += 1
            if steps[0] > limit:
                raise Killed

    sa.event.listen(engine, "before_cursor_execute", count)
    done = False
    while not done:
        limit += 3
        steps[0] = 0
        try:
            migrations.upgrade(engine)
            done = True
        except Killed:
            assert migrations.revision(engine) != migrations.head()
    sa.event.remove(engine, "before_cursor_execute", count)
    assert limit > 3
    assert differences(engine) == []
    assert migrations.revision(engine) == migrations.head()


def test_an_empty_database_is_not_ready(engine: sa.Engine) -> None:
    with pytest.raises(SchemaMissing, match="the database is at None"):
        migrations.require(engine)
    migrations.upgrade(engine)
    migrations.require(engine)


def stamp(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_older_revision_is_not_ready(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations.upgrade(engine)
    monkeypatch.setattr(migrations, "head", lambda: "a later one")
    with pytest.raises(SchemaMissing, match="this release needs a later one"):
        migrations.require(engine)


def test_a_release_that_was_rolled_back_serves_the_schema_of_the_later_one(engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    stamp(engine, "9999")
    migrations.require(engine)
    migrations.upgrade(engine)
    assert migrations.revision(engine) == "9999"


def test_a_database_is_asked_once(database_url: str, engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    migrations.require(engine)
    engine.dispose()
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *heard: seen.append(heard[2]))
    migrations.require(engine)
    assert seen == []
