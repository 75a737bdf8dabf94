"""How many statements a flush costs: a bound that is known, not one that is hoped for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from schema.ledger.tables import order
from tasks.pace import SLICE
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import Put, Refuse

Statements = Callable[[sa.Engine], list[str]]


def heads(statements: list[str]) -> Counter[str]:
    """The statements by what they do and to which table."""
    found: Counter[str] = Counter()
    for text in statements:
        words = text.replace("\n", " ").split()
        tables = [word.split("(")[0] for word in words if word.startswith(("ledger_", "shelf_")) and "." not in word] or [""]
        table = tables[-1 if words[0] == "SELECT" else 0]  # a column may be a question of its own
        found[f"{words[0]} {table}".strip()] += 1
    return found


@pytest.fixture
def warm(rigs: Callable[..., Rig]) -> Rig:
    """A worker whose lane has its cursor, with time for a batch also on a slow machine."""
    rig = rigs(UV_UNIT_MS="10000")
    rig.send(Refuse(shelf="a", what="first"))
    rig.drain()
    return rig


def begins(rig: Rig, looks: int, writes: int) -> dict[str, int]:
    """Only SQLite is told where a transaction begins."""
    return {"BEGIN": looks + writes} if rig.kernel.settings.one_writer else {}


def test_one_command_that_nobody_waits_for(warm: Rig, statements: Statements) -> None:
    warm.send(Refuse(shelf="a", what="x"))
    seen = statements(warm.engine)
    warm.flush()
    # One look for where the lane stands; then the unit: where the lane stands, now locked, and where it goes.
    assert heads(seen) == {"SELECT ledger_cursor": 2, "UPDATE ledger_cursor": 1, **begins(warm, 1, 1)}


def test_one_waited_keyed_command_with_a_row_and_an_event(warm: Rig, statements: Statements) -> None:
    warm.send(Put(shelf="a", what="x"), key="k", waited=True)
    seen = statements(warm.engine)
    warm.flush()
    assert heads(seen) == {
        "SELECT ledger_cursor": 2,
        "SELECT ledger_receipt": 1,
        "INSERT shelf_thing": 1,
        "SELECT shelf_thing": 1,
        "INSERT ledger_receipt": 1,
        "INSERT ledger_outbox": 1,
        "UPDATE ledger_cursor": 1,
        "DELETE ledger_outbox": 1,
        **begins(warm, 1, 2),
    }


def test_a_thousand_waited_keyed_commands(warm: Rig, statements: Statements) -> None:
    sent = [warm.send(Refuse(shelf="a", what=f"n{n}"), key=f"k{n}", waited=True)[0] for n in range(1_000)]
    seen = statements(warm.engine)
    warm.flush()
    slices = 1_000 // SLICE
    # Each slice looks up its receipts, and for that those of the slice before are written.
    assert heads(seen) == {
        "SELECT ledger_cursor": 2,
        "SELECT ledger_receipt": slices,
        "INSERT ledger_receipt": slices,
        "UPDATE ledger_cursor": 1,
        **begins(warm, 1, 1),
    }
    assert None not in warm.answers(sent)
    assert warm.count("ledger_receipt") == 1_000


def test_repeating_them_costs_one_look_for_each_slice(warm: Rig, statements: Statements) -> None:
    for _ in range(2):
        for n in range(SLICE):
            warm.send(Refuse(shelf="a", what=f"n{n}"), key=f"k{n}", waited=True)
        seen = statements(warm.engine)
        warm.flush()
    assert heads(seen) == {"SELECT ledger_cursor": 2, "SELECT ledger_receipt": 1, "UPDATE ledger_cursor": 1, **begins(warm, 1, 1)}


def test_rows_of_a_batch_are_written_together(warm: Rig, statements: Statements) -> None:
    warm.send(*[Refuse(shelf="a", what="x")] * 500, waited=True)
    seen = statements(warm.engine)
    warm.flush()
    assert heads(seen)["INSERT ledger_receipt"] == 1
    assert warm.position(A)


def test_a_largest_batch_stays_within_the_limits_of_every_engine(rigs: Callable[..., Rig]) -> None:
    """32 766 parameters on SQLite, 65 535 on PostgreSQL: what looks up or forgets by id must not name more at once."""
    rig = rigs(UV_BATCH="10000")
    envelopes = rig.send(*[Refuse(shelf="a", what=f"n{n}") for n in range(10_000)])
    rig.redis.flushall()
    orders = [{"id": e.id, "lane": A, "ordered_at": e.at, "envelope": "{}"} for e in envelopes]
    with rig.engine.begin() as connection:
        connection.execute(sa.insert(order), orders)
    rig.append([replace(e, key=e.id, order=e.id) for e in envelopes])
    rig.drain()
    assert rig.count("ledger_receipt") == 10_000
    assert rig.count("ledger_order") == 0
    assert rig.count("ledger_dead_letter") == 0
