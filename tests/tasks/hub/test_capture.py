"""Changes are noted with what they change, each row once, in the order of commits; and nothing at all is done where nobody follows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from schema.base import Actor
from schema.hub.commands import CancelWork, EnqueueWork
from schema.hub.tables import work_event, work_item
from schema.ledger.tables import change, feed
from tasks import cursor
from tasks.capture import Capture, key_of, row_key
from tasks.failures import LostCursor
from tasks.kernel import new_id
from tasks.unit import Unit
from tests.tasks.hub.conftest import Hub

AT = datetime(2026, 1, 1, tzinfo=UTC)


def follow(hub: Hub, reader: str = "mirror/1/h", id: str = "h") -> None:
    with hub.kernel.engine.begin() as connection:
        connection.execute(sa.insert(feed).values(hub=id, guid=new_id(), last=0, reader=reader, began_at=AT))


def noted(hub: Hub) -> list[tuple[str, str, int]]:
    return [tuple(row) for row in hub.rows("SELECT source, row_key, number FROM ledger_change ORDER BY number")]


def test_each_row_that_a_batch_touches_is_noted_once_and_parents_come_first(hub: Hub) -> None:
    follow(hub)
    ada = hub.register("ada", slots=1)
    (hash,) = hub.enqueue()
    assert [(source, key) for source, key, _ in noted(hub)] == [
        ("hub_work_item", hash),
        ("hub_work_event", f"{hash}/1"),
        ("hub_work_event", f"{hash}/2"),
        ("hub_work_attempt", f"{hash}/1"),
    ]
    before = {(source, key): number for source, key, number in noted(hub)}
    hub.done(hub.complete(hash, ada, 1))
    after = {(source, key): number for source, key, number in noted(hub)}
    assert max(after.values()) == hub.rows("SELECT last FROM ledger_feed")[0][0]
    assert after[("hub_work_event", f"{hash}/1")] == before[("hub_work_event", f"{hash}/1")]
    assert {key for key in after if after[key] > max(before.values())} == {
        ("hub_work_item", hash),
        ("hub_work_event", f"{hash}/3"),
        ("hub_work_attempt", f"{hash}/1"),
    }
    assert len(set(after.values())) == len(after), "no number stands twice"


def test_it_is_known_who_made_a_row_and_who_changed_it(hub: Hub) -> None:
    follow(hub)
    (hash,) = hub.enqueue()
    hub.done(CancelWork(hub="h", work_item_hash=hash))
    ((created, changed),) = hub.rows("SELECT created_by, changed_by FROM ledger_change WHERE row_key = :k", k=hash)
    assert (created, changed) == ("anonymous:", "anonymous:")


def test_another_hub_is_not_noted(hub: Hub) -> None:
    follow(hub, id="another")
    hub.enqueue(3)
    assert noted(hub) == []


def test_the_reader_is_woken_once_for_many_batches(hub: Hub) -> None:
    rung: list[str] = []
    object.__setattr__(hub.kernel, "ring", lambda group, delay: rung.append(group))
    follow(hub)
    hub.enqueue()
    hub.enqueue()
    assert rung.count("mirror/1/h") == 1
    assert hub.kernel.redis.llen("uv:wake:mirror/1/h") == 1


#: Statements that a batch of enqueues takes more when its changes are noted: reserve numbers, store the changes; on MariaDB also read the number.
MORE = {"sqlite": 2, "postgresql": 2, "mysql": 3}


def test_noting_costs_a_bulk_statement_and_without_a_reader_nothing(hub: Hub, statements: Callable[[sa.Engine], list[str]]) -> None:
    hub.enqueue(2)
    seen = statements(hub.kernel.engine)
    hub.enqueue(100)
    assert not any("ledger_change" in text for text in seen)
    assert not any("ledger_feed" in text and "ledger_cursor" not in text for text in seen), "asked along with the cursor alone"
    plain = len(seen)
    follow(hub)
    seen.clear()
    hub.enqueue(100)
    batches = sum("ledger_cursor" in text and text.startswith("UPDATE") for text in seen)
    mine = [text for text in seen if "ledger_change" in text or ("ledger_feed" in text and "ledger_cursor" not in text)]
    assert len(mine) <= MORE[hub.kernel.engine.dialect.name] * batches, "\n".join(mine)
    assert len(seen) - len(mine) <= (plain + 2) * batches, "a slow machine has more batches than one"


@pytest.fixture
def unit(hub: Hub) -> Iterator[Unit]:
    """A unit whose changes are followed, with three items in the database before it."""
    hub.enqueue(3)
    follow(hub)
    with hub.kernel.engine.connect() as connection:
        made = Unit(connection, "hub/h", AT, new_id)
        made.capture = Capture("h", "mirror/1/h")
        yield made
        connection.rollback()


def written(unit: Unit) -> list[tuple[str, str]]:
    unit.close()
    return [tuple(row) for row in unit.connection.execute(sa.select(change.c.source, change.c.row_key).order_by(change.c.number))]


def test_a_change_of_many_rows_by_one_statement_notes_those_that_it_hits(unit: Unit) -> None:
    hashes = sorted(unit.read(sa.select(work_item.c.work_item_hash)).scalars())
    some = sa.update(work_item).where(work_item.c.work_item_hash.in_(sa.bindparam("some", expanding=True))).values(priority=sa.bindparam("to"))
    assert unit.change(some, {"some": hashes[:2], "to": 7}).rowcount == 2
    assert written(unit) == [("hub_work_item", hashes[0]), ("hub_work_item", hashes[1])]


def test_deleted_rows_are_noted_and_so_is_a_row_that_this_unit_has_made(unit: Unit) -> None:
    hash = unit.read(sa.select(work_item.c.work_item_hash).limit(1)).scalar_one()
    event = {"work_item_hash": hash, "seq": 9, "event_guid": "g", "hub": "h", "run_id": "r", "event_type": "x", "from_status": "", "to_status": ""}
    unit.add(work_event, event | {"beacon_id": "", "payload": {}, "emitted_at": AT})
    assert unit.change(sa.delete(work_event).where(work_event.c.work_item_hash == hash)).rowcount == 2
    assert written(unit) == [("hub_work_event", f"{hash}/9"), ("hub_work_event", f"{hash}/1")]


def test_what_cannot_be_followed_is_refused_before_it_is_done(unit: Unit) -> None:
    with pytest.raises(TypeError):
        unit.change(sa.text("UPDATE hub_work_item SET priority = 1"))
    with pytest.raises(TypeError):
        unit.change(sa.insert(work_item).values(hub="h"))
    assert unit.read(sa.select(sa.func.max(work_item.c.priority))).scalar() == 0


def test_a_feed_that_is_closed_meanwhile_takes_nothing(unit: Unit) -> None:
    unit.amend(work_item, (unit.read(sa.select(work_item.c.work_item_hash).limit(1)).scalar_one(),), {"priority": 1})
    unit.connection.execute(sa.delete(feed))
    assert written(unit) == []


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
def test_a_unit_that_began_before_somebody_followed_is_begun_again(hub: Hub) -> None:
    """On SQLite nobody can begin to follow while a unit is open."""
    hub.enqueue()
    epoch, lane = hub.kernel.redis.get("uv:epoch").decode(), "hub/h"
    with hub.kernel.engine.connect() as connection:
        position, reader = cursor.stand(connection, lane, epoch, AT, "h")
        assert reader is None
        follow(hub)
        with pytest.raises(LostCursor):
            cursor.move(connection, lane, epoch, position, "9-9", AT, unfollowed="h")
        connection.rollback()
    (hash,) = hub.enqueue()
    assert ("hub_work_item", hash) in [row[:2] for row in noted(hub)]


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
def test_numbers_are_in_the_order_of_commits(hub: Hub) -> None:
    """Whoever took numbers first and commits last would be missed by a reader that has seen the later ones; so others wait for it."""
    follow(hub)
    order: list[str] = []

    def other() -> None:
        with hub.kernel.engine.begin() as connection:
            capture = Capture("h", "r")
            capture.touch(work_item, ("late",), Actor("user", "b"))
            capture.write(connection, AT)
            order.append("late")

    with hub.kernel.engine.begin() as connection:
        capture = Capture("h", "r")
        capture.touch(work_item, ("early",), Actor("user", "a"))
        capture.write(connection, AT)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.3)
        assert order == [], "it waits for the commit"
    thread.join()
    assert [row[1] for row in noted(hub)] == ["early", "late"]


def test_a_key_is_one_text_and_comes_back_as_it_was() -> None:
    for table, key in ((work_item, ("wi-a/b-1",)), (work_event, ("wi-a/b-1", 12))):
        assert key_of(table, row_key(key)) == key


def test_what_a_batch_has_just_stored_is_stored_with_its_change_or_not_at_all(hub: Hub) -> None:
    follow(hub)
    item: dict[str, Any] = {"hub": "h", "capability": "Shell", "action": "Execute", "settings": {}, "metadata": {}}
    hub.done(*[EnqueueWork(**item) for _ in range(50)])
    hashes = {row[0] for row in hub.rows("SELECT work_item_hash FROM hub_work_item")}
    assert {key for source, key, _ in noted(hub) if source == "hub_work_item"} == hashes
