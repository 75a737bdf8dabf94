"""What the ledger keeps, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from schema.ledger import tables as ledger
from schema.ledger.commands import Retain
from schema.outcome import Done
from tasks.kernel import clock
from tasks.ledger import retain
from tests.tasks.rig import Rig
from tests.tasks.shelf import Put

MINUTE = timedelta(minutes=1)
AGES = {
    "receipt": timedelta(hours=retain.RECEIPT_HOURS),
    "dead_letter": timedelta(days=retain.DEAD_LETTER_DAYS),
    "cursor": timedelta(days=retain.CURSOR_DAYS),
}


def fill(rig: Rig, kind: str, age: timedelta, count: int = 1) -> None:
    """Rows of that age."""
    table: sa.Table = getattr(ledger, kind)
    stamp = {"receipt": "settled_at", "dead_letter": "died_at", "cursor": "moved_at"}[kind]
    rows = []
    for n in range(count):
        row = {column.name: "1" if isinstance(column.type, sa.String | sa.Text) else 1 for column in table.columns}
        row[next(iter(table.primary_key)).name] = f"{kind} {age} {n}"
        row[stamp] = clock() - age
        rows.append(row)
    with rig.engine.begin() as connection:
        connection.execute(sa.insert(table), rows)


def retain_now(rig: Rig) -> Done:
    (sent,) = rig.send(Retain(), waited=True)
    rig.drain()
    outcome = rig.answer(sent)
    assert isinstance(outcome, Done)
    return outcome


@pytest.mark.parametrize("kind", AGES)
def test_rows_are_deleted_when_they_are_old_enough_and_not_before(kind: str, rig: Rig) -> None:
    before = rig.count(f"ledger_{kind}")
    fill(rig, kind, AGES[kind] + MINUTE)
    fill(rig, kind, AGES[kind] - MINUTE)
    retain_now(rig)
    own = {"receipt": 1, "cursor": 1}.get(kind, 0)  # what the command itself leaves
    assert rig.count(f"ledger_{kind}") == before + own + 1


def test_the_answer_tells_what_was_deleted(rig: Rig) -> None:
    for kind, age in AGES.items():
        fill(rig, kind, age + MINUTE, 2)
    assert retain_now(rig).value == {"Receipts": 2, "DeadLetters": 2, "Cursors": 2}
    assert retain_now(rig).value == {"Receipts": 0, "DeadLetters": 0, "Cursors": 0}


def test_a_page_at_a_time_until_all_is_gone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retain, "PAGE", 10)
    fill(rig, "receipt", AGES["receipt"] + MINUTE, 25)
    fill(rig, "dead_letter", AGES["dead_letter"] + MINUTE, 12)
    assert retain_now(rig).value == {"Receipts": 10, "DeadLetters": 10, "Cursors": 0}
    assert rig.count("ledger_receipt") == 1, "the orders of further pages have been carried out, too"
    assert rig.count("ledger_dead_letter") == 0
    assert rig.is_quiet()


def test_the_oldest_go_first(lite: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retain, "PAGE", 1)
    with lite.engine.begin() as connection:
        unit = retain.Unit(connection, "ledger", clock(), lambda: "1")
        fill_in = [(AGES["receipt"] + n * MINUTE) for n in (1, 3, 2)]
        for n, age in enumerate(fill_in):
            row = {"id": str(n), "envelope_id": "e", "command": "c", "fingerprint": "f", "actor": "a", "outcome": "o", "settled_at": clock() - age}
            connection.execute(sa.insert(ledger.receipt), row)
        retain.retain(Retain(), unit)
        assert set(connection.execute(sa.select(ledger.receipt.c.id)).scalars()) == {"0", "2"}


def test_a_full_page_is_within_the_limits_of_every_engine(rig: Rig) -> None:
    fill(rig, "receipt", AGES["receipt"] + MINUTE, retain.PAGE + 1)
    assert retain_now(rig).value["Receipts"] == retain.PAGE
    assert rig.count("ledger_receipt") == 1


def test_a_key_is_free_again_when_its_receipt_is_gone(lite: Rig) -> None:
    lite.send(Put(shelf="a", what="x"), key="k")
    lite.drain()
    lite.clock.ahead = AGES["receipt"] + MINUTE
    lite.send(Retain())
    lite.drain()
    lite.send(Put(shelf="a", what="x"), key="k")
    lite.drain()
    assert lite.names() == ["x", "x"]


def test_the_cursor_of_a_lane_that_slept_for_a_month_is_not_missed(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.drain()
    rig.clock.ahead = AGES["cursor"] + MINUTE
    rig.send(Retain())
    rig.drain()
    assert rig.position() is None
    rig.send(Put(shelf="a", what="y"))
    rig.drain()
    assert rig.names() == ["x", "y"]
