"""What a verb changes the world with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa

from schema.base import SYSTEM, Actor, Event
from schema.envelope import Envelope, decode
from schema.ledger import tables as ledger
from schema.ledger.commands import Retain
from tasks import unit as units
from tasks.kernel import new_id
from tasks.unit import Unit
from tests.tasks.conftest import prepare
from tests.tasks.rig import ADA, A, Rig
from tests.tasks.shelf import Put, thing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def unit(rig: Rig) -> Iterator[Unit]:
    """An open unit on each engine."""
    with rig.engine.begin() as connection:
        yield Unit(connection, A, NOW, new_id)


def row(name: str, **more: object) -> dict[str, object]:
    return {"id": new_id(), "lane": A, "name": name, "value": 1, "at": NOW} | more


COUNT = sa.select(sa.func.count()).select_from(thing)
READS: dict[str, Callable[[], sa.Executable]] = {
    "select": lambda: COUNT,
    "columns": lambda: sa.select(sa.func.count(thing.c.id)),
    "alias": lambda: sa.select(sa.func.count()).select_from(thing.alias("other")),
    "subquery": lambda: sa.select(sa.func.count()).select_from(sa.select(thing.c.id).subquery()),
    "scalar subquery": lambda: sa.select(COUNT.scalar_subquery()),
    "cte": lambda: sa.select(sa.func.count()).select_from(sa.select(thing.c.id).cte()),
    "join": lambda: sa.select(sa.func.count()).select_from(thing.join(thing.alias("t"), sa.true())),
    "exists": lambda: sa.select(sa.case((sa.exists().where(thing.c.name == "x"), 1), else_=0)),
    "union": lambda: sa.select(sa.func.count()).select_from(sa.union_all(sa.select(thing.c.id), sa.select(thing.c.id).where(sa.false())).subquery()),
    "text": lambda: sa.text("SELECT count(*) FROM shelf_thing"),
}


@pytest.mark.parametrize("form", READS)
def test_a_read_in_any_form_sees_the_rows_that_were_added_before(form: str, lite: Rig) -> None:
    with lite.engine.begin() as connection:
        unit = Unit(connection, A, NOW, new_id)
        unit.add(thing, row("x"))
        assert unit.read(READS[form]()).scalar() == 1


def test_a_change_meets_the_rows_that_were_added_before(unit: Unit) -> None:
    for name in "abc":
        unit.add(thing, row(name))
    assert unit.change(sa.update(thing).where(thing.c.name != "a").values(value=2)).rowcount == 2
    unit.add(thing, row("d"))
    assert unit.change(sa.delete(thing).where(thing.c.name.in_(["a", "d"]))).rowcount == 2
    assert unit.read(sa.select(thing.c.name, thing.c.value).order_by(thing.c.name)).all() == [("b", 2), ("c", 2)]


def test_a_change_of_many_rows_is_one_call(unit: Unit) -> None:
    for name in "abc":
        unit.add(thing, row(name))
    statement = sa.update(thing).where(thing.c.name == sa.bindparam("of")).values(value=sa.bindparam("to"))
    unit.change(statement, [{"of": name, "to": ord(name)} for name in "ab"])
    assert unit.read(sa.select(thing.c.value).order_by(thing.c.name)).scalars().all() == [97, 98, 1]


def test_rows_are_written_in_bulk_one_statement_for_each_shape(lite: Rig, statements: Callable[..., list[str]]) -> None:
    with lite.engine.begin() as connection:
        seen = statements(lite.engine)
        unit = Unit(connection, A, NOW, new_id)
        for number in range(100):
            unit.add(thing, row(str(number)))
        unit.announce(Event("shelf", "shelf.put", {}))
        unit.close()
    assert [text.split("(")[0].strip() for text in seen] == ["INSERT INTO shelf_thing", "INSERT INTO ledger_outbox"]


def test_rows_come_back_as_they_were_added(unit: Unit) -> None:
    at = datetime(2026, 3, 29, 1, 30, 0, 123_000, tzinfo=UTC)
    added = row("Straße 東京 🚀 'quoted' \\", value=-7, at=at)
    unit.add(thing, added)
    assert dict(unit.read(sa.select(thing)).mappings().one()) == added


def test_names_that_differ_in_case_or_accent_are_different(unit: Unit) -> None:
    for name in ("Shell", "shell", "é", "e"):
        unit.add(ledger.audit, {"id": name, "at": NOW, "actor": "a", "command": "c", "subject": "s", "outcome": "o", "details": {"N": name}})
    assert unit.read(sa.select(ledger.audit.c.details).where(ledger.audit.c.id == "shell")).scalars().all() == [{"N": "shell"}]


def test_events_of_a_unit_are_one_row_with_an_id_each(unit: Unit) -> None:
    guids = [unit.announce(Event("shelf", "shelf.put", {"Name": name})) for name in "ab"]
    id = unit.close()
    ((stored_id, committed_at, events),) = unit.connection.execute(sa.select(ledger.outbox)).all()
    assert (stored_id, committed_at) == (id, NOW)
    assert [(topic, event["EventGUID"], event["Payload"]["Name"]) for topic, event in orjson.loads(events)] == [
        ("shelf", guids[0], "a"),
        ("shelf", guids[1], "b"),
    ]
    assert len(set(guids)) == 2


def test_a_unit_that_announces_nothing_has_no_outbox_row(unit: Unit) -> None:
    unit.add(thing, row("x"))
    assert unit.close() is None
    assert unit.connection.execute(sa.select(ledger.outbox)).all() == []


def test_an_order_is_a_row_that_holds_the_whole_envelope(unit: Unit) -> None:
    unit.envelope = Envelope("e1", Put(shelf="a", what="x"), ADA, NOW, request_id="r1", waited=True, key="k")
    unit.order(Put(shelf="b", what="y"))
    unit.order(Put(shelf="b", what="z"), SYSTEM)
    unit.close()
    rows = unit.connection.execute(sa.select(ledger.order).order_by(ledger.order.c.id)).all()
    ordered = [decode(row.envelope) for row in rows]
    assert [row.lane for row in rows] == ["shelf/b", "shelf/b"]
    assert ordered == unit.orders
    assert [(e.actor, e.request_id, e.origin, e.waited, e.key) for e in ordered] == [(ADA, "r1", A, False, None), (SYSTEM, "r1", A, False, None)]
    assert [e.order for e in ordered] == [row.id for row in rows]


def test_what_a_caller_waited_for_is_ordered_again_under_the_key_that_the_caller_was_told(unit: Unit) -> None:
    waited = Envelope("e1", Put(shelf="a", what="x"), ADA, NOW, waited=True)
    unit.order_again(waited)
    (again,) = unit.orders
    assert (again.waited, again.key, again.receipt) == (False, "e1", waited.receipt)


def test_an_order_for_a_lane_nobody_declared_is_a_mistake_of_the_verb(unit: Unit) -> None:
    class Lost(Retain):
        __slots__ = ()

        @property
        def lane(self) -> str:
            return "nobody/declared/this"

    with pytest.raises(KeyError):
        unit.order(Lost())
    assert unit.orders == []


def test_closing_steps_run_once_each_whatever_they_ask_for(unit: Unit) -> None:
    done: list[str] = []

    def count(unit: Unit, name: str) -> None:
        done.append(name)
        assert unit.envelope is None, "a closing step belongs to nobody's command"
        if name == "a":
            unit.at_end(count, "c")

    for name in ("a", "b", "a"):
        unit.at_end(count, name)
    unit.close()
    assert done == ["a", "b", "c"]


def test_the_actor_is_that_of_the_command_and_else_the_system(unit: Unit) -> None:
    assert unit.actor == SYSTEM
    unit.envelope = Envelope("e1", Put(shelf="a", what="x"), Actor("beacon", "b1"), NOW)
    assert unit.actor == Actor("beacon", "b1")


def test_who_looks_does_not_wait_for_the_writer_and_writes_nothing(rig: Rig) -> None:
    with rig.engine.begin() as writer:
        writer.execute(sa.insert(thing), row("x"))
        with units.look(rig.engine) as reader:
            assert reader.execute(COUNT).scalar() == 0
    assert rig.count("shelf_thing") == 1


def test_ids_are_in_the_order_of_their_making() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert all(len(id) == 36 and id[14] == "7" for id in ids)


def test_sqlite_keeps_foreign_keys_and_a_write_ahead_log(sqlite_url: str) -> None:
    prepare(sqlite_url)
    engine = units.connect(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": units.LOCK_MS}


def test_postgresql_bounds_every_wait(postgresql_url: str) -> None:
    engine = units.connect(postgresql_url)
    with engine.connect() as connection:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
        limits = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
    engine.dispose()
    assert limits == ["1500ms", "3s", "5s", "read committed"]


def test_mariadb_bounds_every_wait(mariadb_url: str) -> None:
    engine = units.connect(mariadb_url)
    with engine.connect() as connection:
        limits = connection.exec_driver_sql(
            "SELECT @@innodb_lock_wait_timeout, @@max_statement_time, @@idle_transaction_timeout, @@tx_isolation"
        ).one()
    engine.dispose()
    assert tuple(limits) == (1, 3, 5, "READ-COMMITTED")
