"""Questions are asked on handles that cannot write, on every engine and by every road, and only of a database that is complete."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base

from app import reading
from app.reading import Reader
from app.seal import WriteTried
from schema.errors import NotReady, Unavailable
from schema.ledger.tables import cursor, dead_letter
from schema.settings import Settings
from tasks import migrations, unit
from tests.app.worker import clock
from tests.services.databases import DatabaseServer

ROW = {"lane": "l", "epoch": "e", "position": "0-0", "moved_at": clock()}


class Letter(declarative_base()):  # type: ignore[misc]  # a base made at run time
    __table__ = sa.Table(
        "ledger_cursor",
        sa.MetaData(),
        sa.Column("lane", sa.String(128), primary_key=True),
        sa.Column("epoch", sa.String(36), primary_key=True),
        sa.Column("position", sa.String(48)),
        sa.Column("moved_at", sa.DateTime),
    )


@pytest.fixture
def writer(database_url: str) -> Iterator[sa.Engine]:
    engine = unit.connect(database_url)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(cursor).values(ROW))
    yield engine
    engine.dispose()


@pytest.fixture
def reader(writer: sa.Engine, database_url: str) -> Iterator[Reader]:
    reader = Reader(Settings(database_url=database_url, database_read_url=database_url))
    yield reader
    reader.dispose()


def orm_flush(connection: sa.Connection) -> None:
    with Session(bind=connection) as session:
        session.add(Letter(lane="x", epoch="e", position="0-0", moved_at=clock().replace(tzinfo=None)))
        session.commit()


def driver_cursor(statement: str) -> Callable[[sa.Connection], None]:
    """Beyond SQLAlchemy: nothing of ours sees the statement, only the handle it is sent on."""

    def write(connection: sa.Connection) -> None:
        raw = connection.connection.cursor()
        try:
            raw.execute(statement)
            connection.connection.commit()
        finally:
            raw.close()

    return write


ROADS: dict[str, Callable[[sa.Connection], object]] = {
    "orm flush": orm_flush,
    "core insert": lambda connection: connection.execute(sa.insert(cursor).values({**ROW, "lane": "x"})),
    "core update": lambda connection: connection.execute(sa.update(cursor).values(position="1-0")),
    "core delete": lambda connection: connection.execute(sa.delete(cursor)),
    "core create": lambda connection: sa.Table("made", sa.MetaData(), sa.Column("id", sa.Integer)).create(connection),
    "core drop": lambda connection: dead_letter.drop(connection),
    "text insert": lambda connection: connection.execute(sa.text("INSERT INTO ledger_cursor VALUES ('x', 'e', '0-0', '2025-01-01 00:00:00')")),
    "exec_driver_sql": lambda connection: connection.exec_driver_sql("UPDATE ledger_cursor SET position = '1-0'"),
    "two statements": lambda connection: connection.exec_driver_sql("SELECT 1; DELETE FROM ledger_cursor"),
    "read-only off": lambda connection: connection.exec_driver_sql("SET TRANSACTION READ WRITE"),
    "driver insert": driver_cursor("INSERT INTO ledger_cursor VALUES ('x', 'e', '0-0', '2025-01-01 00:00:00')"),
    "driver update": driver_cursor("UPDATE ledger_cursor SET position = '1-0'"),
    "driver delete": driver_cursor("DELETE FROM ledger_cursor"),
    "driver create": driver_cursor("CREATE TABLE made (id INTEGER)"),
    "driver drop": driver_cursor("DROP TABLE ledger_dead_letter"),
    "driver alter": driver_cursor("ALTER TABLE ledger_cursor ADD COLUMN extra INTEGER"),
    "driver index": driver_cursor("CREATE INDEX made ON ledger_cursor (position)"),
}


#: Ours, SQLAlchemy's, and the drivers' own.
REFUSALS = (WriteTried, sa.exc.DBAPIError, sqlite3.Error, psycopg.Error, pymysql.Error)


def state(writer: sa.Engine) -> object:
    with writer.connect() as connection:
        return connection.execute(sa.select(cursor)).all(), sorted(sa.inspect(connection).get_table_names())


@pytest.mark.parametrize("road", ROADS)
def test_no_road_writes(road: str, reader: Reader, writer: sa.Engine) -> None:
    before = state(writer)
    for engine in (reader._single, reader._snapshot):
        with pytest.raises(REFUSALS):
            go(engine, ROADS[road])
    assert state(writer) == before


def go(engine: sa.Engine, road: Callable[[sa.Connection], object]) -> None:
    with engine.connect() as connection:
        road(connection)
        connection.commit()


def test_rows_are_read(reader: Reader) -> None:
    (row,) = reader.ask(sa.select(cursor).where(cursor.c.lane == sa.bindparam("of_lane")), {"of_lane": "l"})
    assert (row["lane"], row["moved_at"]) == ("l", ROW["moved_at"])


def test_several_questions_see_one_state(reader: Reader, writer: sa.Engine) -> None:
    count = sa.select(sa.func.count()).select_from(cursor)
    with reader.reading() as connection:
        assert connection.scalar(count) == 1
        with writer.begin() as other:
            other.execute(sa.insert(cursor).values({**ROW, "lane": "later"}))
        assert connection.scalar(count) == 1
    with reader.reading() as connection:
        assert connection.scalar(count) == 2


def test_an_empty_database_becomes_ready_without_a_restart(database_url: str) -> None:
    reader = Reader(Settings(database_url=database_url, database_read_url=database_url))
    with pytest.raises(NotReady) as lacking:
        reader.ask(sa.select(cursor))
    assert {"ledger_cursor", "ledger_receipt", "hub_work_item"} <= set(lacking.value.evidence["Missing"])
    engine = unit.connect(database_url)
    migrations.upgrade(engine)
    assert reader.ask(sa.select(cursor)) == []
    with reader._single.connect(), reading.recorded() as statements:
        reader.ask(sa.select(cursor))
    assert len(statements) == 1, "once complete it is not looked at again"
    engine.dispose()
    reader.dispose()


def test_all_that_is_missing_is_told(reader: Reader, writer: sa.Engine) -> None:
    with writer.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ledger_audit")
        connection.exec_driver_sql("ALTER TABLE ledger_dead_letter DROP COLUMN tries")
    assert reader.missing() == ["ledger_audit", "ledger_dead_letter.tries"]


def test_a_table_that_vanishes_is_noticed(reader: Reader, writer: sa.Engine) -> None:
    reader.require()
    with writer.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ledger_audit")
        connection.exec_driver_sql("DROP TABLE ledger_cursor")
    with pytest.raises(NotReady) as lacking:
        reader.ask(sa.select(cursor))
    assert lacking.value.evidence["Missing"] == ["ledger_audit", "ledger_cursor"]


def test_a_wrong_question_is_our_fault_and_no_outage(reader: Reader) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        reader.ask(sa.text("SELECT nothing_of_that_name FROM ledger_cursor"))


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_session_that_the_server_closed_is_replaced(engine: str, request: pytest.FixtureRequest) -> None:
    server: DatabaseServer = request.getfixturevalue(f"{engine}_server")
    url: str = request.getfixturevalue(f"{engine}_url")
    writer = unit.connect(url)
    migrations.upgrade(writer)
    reader = Reader(Settings(database_url=url, database_read_url=url))
    assert reader.ask(sa.select(cursor)) == []
    with reader.reading() as connection:
        connection.execute(sa.select(cursor))
    kill_sessions(server, writer, url)
    assert reader.ask(sa.select(cursor)) == []
    with reader.reading() as connection:
        assert connection.execute(sa.select(cursor)).all() == []
    reader.dispose()
    writer.dispose()


def kill_sessions(server: DatabaseServer, writer: sa.Engine, url: str) -> None:
    name = sa.make_url(url).database
    writer.dispose()
    with server._admin.connect() as admin:
        if url.startswith("postgresql"):
            admin.execute(sa.text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"), {"name": name})
        else:
            for (number,) in admin.execute(sa.text("SELECT id FROM information_schema.processlist WHERE db = :name"), {"name": name}).all():
                admin.exec_driver_sql(f"KILL {number}")


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    url = "postgresql+psycopg://nobody@/nothing?host=/nonexistent"
    reader = Reader(Settings(database_url=url, database_read_url=url))
    with pytest.raises(Unavailable):
        reader.ask(sa.select(cursor))


def test_a_role_that_may_only_read_is_used_where_there_is_one(postgresql_server: DatabaseServer, postgresql_url: str) -> None:
    writer = unit.connect(postgresql_url)
    migrations.upgrade(writer)
    with writer.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS looker")
        connection.exec_driver_sql("CREATE ROLE looker LOGIN")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    url = sa.make_url(postgresql_url).set(username="looker").render_as_string(hide_password=False)
    reader = Reader(Settings(database_url=postgresql_url, database_read_url=url))
    assert reader.ask(sa.select(cursor)) == []
    with reader._single.connect() as connection:
        driver_cursor("SET default_transaction_read_only = off")(connection)
        with pytest.raises(psycopg.Error, match="permission denied"):
            driver_cursor("DELETE FROM ledger_cursor")(connection)
    reader.dispose()
    with writer.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY looker")
        connection.exec_driver_sql("DROP ROLE looker")
    writer.dispose()


# SQLite's own roads


@pytest.fixture
def handle(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    engine = unit.connect(sqlite_url)
    migrations.upgrade(engine)
    handle = reading._read_only_file(Path(engine.url.database or ""))
    yield handle
    handle.close()
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'other.db' AS other",
        "PRAGMA query_only=OFF",
        "PRAGMA writable_schema=ON",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA user_version=7",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA optimize",
        "PRAGMA incremental_vacuum",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "ANALYZE",
        "REINDEX",
        "CREATE TEMP TABLE t (id INTEGER)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON ledger_cursor BEGIN DELETE FROM ledger_audit; END",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "REPLACE INTO ledger_cursor VALUES ('x', 'e', '0-0', '2025-01-01')",
        "UPDATE sqlite_master SET sql = ''",
        "SELECT load_extension('x')",
        "DETACH main",
    ],
)
def test_sqlite_is_not_to_be_talked_into_writing(handle: sqlite3.Connection, statement: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|authorization denied|prohibited|readonly|may not be modified"):
        handle.execute(statement)
    assert sorted(tmp_path.iterdir()) == before


def test_the_authorizer_stays(handle: sqlite3.Connection) -> None:
    with pytest.raises(WriteTried):
        handle.set_authorizer(None)
    with pytest.raises(WriteTried):
        handle.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 10)
    with pytest.raises(WriteTried):
        handle.enable_load_extension(True)


def test_without_the_authorizer_the_file_is_still_read_only(handle: sqlite3.Connection) -> None:
    sqlite3.Connection.set_authorizer(handle, None)
    handle.execute("PRAGMA query_only=OFF")
    with pytest.raises(sqlite3.OperationalError, match="too many attached databases"):
        handle.execute("ATTACH 'other.db' AS other")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        handle.execute("DELETE FROM ledger_cursor")


def test_a_folder_with_odd_letters_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a?b#c d%20é"
    folder.mkdir()
    url = f"sqlite:///{folder / 'x.db'}"
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(folder / "x.db")))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    engine.dispose()
    handle = reading._read_only_file(folder / "x.db")
    assert handle.execute("SELECT * FROM t").fetchall() == []
    handle.close()
    assert url


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("This is a letter and not a database." * 100)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    reader = Reader(Settings(database_url=url, database_read_url=url))
    with pytest.raises(Unavailable):
        reader.missing()
    reader.dispose()


@pytest.mark.parametrize(
    ("statement", "question"),
    [
        ("SELECT 1", True),
        ("  \n(SELECT 1) UNION (SELECT 2)", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a;", True),
        ("EXPLAIN QUERY PLAN SELECT 1", True),
        ("SET x = 1", False),
        ("SELECTED", False),
        ("INSERT INTO t SELECT 1", False),
        ("SELECT 1; SELECT 2", False),
        ("BEGIN IMMEDIATE", False),
        ("", False),
    ],
)
def test_a_question_is_told_by_its_beginning(statement: str, question: bool) -> None:
    assert reading._is_question(statement) is question
