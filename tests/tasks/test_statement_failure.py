"""The n-th statement of a flush fails, for every n. What SQL then holds is the state before or after, never between."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from schema.base import Command
from schema.envelope import Envelope, receipt_id
from tasks.failures import is_transient
from tests.tasks.rig import ADA, A, Rig
from tests.tasks.shelf import PassOn, Put, Refuse, Sum


class Defect(Exception):
    """Our own mistake."""


def passing(engine: sa.Engine) -> sa.exc.OperationalError:
    """What the engine's driver says when waiting helps."""
    origin: Exception
    if engine.dialect.name == "sqlite":
        origin = sqlite3.OperationalError("database is locked")
        origin.sqlite_errorcode = sqlite3.SQLITE_BUSY  # type: ignore[attr-defined]  # set by the driver
    elif engine.dialect.name == "postgresql":
        origin = psycopg.errors.DeadlockDetected("deadlock detected")
    else:
        origin = pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock")
    error = sa.exc.OperationalError("the n-th statement", {}, origin)
    assert is_transient(error)
    return error


class Fault:
    """Fails at the n-th statement or commit of an engine and, where it `stays`, at every one after it."""

    def __init__(self, engine: sa.Engine, n: int, error: Exception, stays: bool) -> None:
        self._engine, self._n, self._error, self._stays = engine, n, error, stays
        self.seen = 0

    @property
    def struck(self) -> bool:
        return self.seen >= self._n

    def __enter__(self) -> Fault:
        sa.event.listen(self._engine, "before_cursor_execute", self._statement)
        sa.event.listen(self._engine, "commit", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self._engine, "before_cursor_execute", self._statement)
        sa.event.remove(self._engine, "commit", self._count)

    def _statement(self, *_: Any) -> None:
        self._count()

    def _count(self, *_: Any) -> None:
        self.seen += 1
        if self.seen == self._n or (self._stays and self.seen > self._n):
            raise self._error


def batch(n: int) -> list[tuple[Command, str | None]]:
    """Commands of one batch, told from those of other batches by their names; each with its key."""
    return [
        (Put(shelf="a", what=f"put {n}"), f"put {n}"),
        (Sum(shelf="a", what=f"sum {n}"), None),
        (Refuse(shelf="a", what=f"refuse {n}"), f"refuse {n}"),
        (PassOn(shelf="a", what=f"pass {n}", to="a"), f"pass {n}"),
    ]


def send(rig: Rig, n: int) -> list[Envelope]:
    return [rig.send(command, key=key)[0] for command, key in batch(n)]


def state(rig: Rig, n: int) -> tuple[int, ...]:
    """How many of the batch's four envelopes SQL holds, and by what it holds them: things, receipts, orders or what became of them."""
    names = Counter(rig.names())
    things = names[f"put {n}"] + names[f"sum {n}"] + names[f"pass {n}"]
    receipts = rig.rows("SELECT outcome FROM ledger_receipt WHERE id IN (:put, :refuse, :pass)", **receipts_of(n))
    orders = names[f"pass {n}, ordered"] + len(rig.rows("SELECT id FROM ledger_order"))
    return things, len(receipts), orders, total(rig)


def receipts_of(n: int) -> dict[str, str]:
    return {name: receipt_id(ADA, f"{name} {n}") for name in ("put", "refuse", "pass")}


def total(rig: Rig) -> int:
    rows = rig.rows("SELECT sum FROM shelf_total")
    return int(rows[0][0]) if rows else 0


def steps(before: int) -> list[tuple[int, ...]]:
    """The states after none, one, two, three and four of the batch's envelopes: things, receipts, orders, sum."""
    return [(0, 0, 0, before), (1, 1, 0, before), (2, 1, 0, before + 1), (2, 2, 0, before + 1), (3, 3, 1, before + 1)]


KINDS: dict[str, Callable[[sa.Engine], Exception]] = {"transient": passing, "defect": lambda engine: Defect("the n-th statement")}


@pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_before_or_after_and_never_between(kind: str, stays: bool, rig: Rig) -> None:
    rig.send(Put(shelf="a", what="first"))
    rig.drain()
    struck, n = True, 0
    while struck:
        n += 1
        struck = _strike(rig, kind, stays, n)
    assert n > 10, "the statements of a flush have been visited one by one"
    rig.recover()
    done = Counter(rig.names())
    assert set(done.values()) == {1}, "nothing has happened twice"
    assert len(done) == 1 + 4 * n, "nothing has been lost"
    assert rig.count("ledger_dead_letter") == 0, "nobody was blamed"
    assert len({event["EventGUID"] for event in rig.events()}) == 1 + 3 * n
    assert rig.is_quiet()


def _strike(rig: Rig, kind: str, stays: bool, n: int) -> bool:
    """Let the n-th statement of one flush fail, and see what it left. Returns whether the flush had that many statements."""
    error = KINDS[kind](rig.engine)
    before = total(rig)
    send(rig, n)
    with Fault(rig.engine, n, error, stays) as fault:
        raised = _flushed(rig, type(error))
    struck = fault.struck
    assert struck or not raised
    left = state(rig, n)
    if kind == "transient":
        # Nothing is tried one by one: the flush gives up, and the batch is all there or not at all.
        assert left in (steps(before)[0], steps(before)[-1]), f"statement {n}"
        assert raised == struck
    else:
        assert left in steps(before), f"statement {n}"
    _consistent(rig, left, steps(before))
    rig.pass_time()
    rig.drain()
    assert state(rig, n) == steps(before)[-1]
    return struck


def _consistent(rig: Rig, left: tuple[int, ...], all_steps: list[tuple[int, ...]]) -> None:
    """The cursor tells the same as the rows: what waits in the journal after it is what has not happened."""
    after = rig.redis.xrange("uv:journal:" + A, min=f"({rig.position()}")
    waiting = [entry for entry in after if b'"shelf.put"' not in entry[1][b"e"] or b'"u":' not in entry[1][b"e"]]
    assert len(waiting) == len(all_steps) - 1 - all_steps.index(left)


def _flushed(rig: Rig, expected: type[Exception]) -> bool:
    """Flush; whether it raised what was expected."""
    try:
        rig.flush()
    except expected:
        return True
    return False


def test_a_commit_whose_answer_is_lost_is_not_done_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    dialect = rig.engine.dialect
    commit = dialect.do_commit
    lost = iter([True])

    def lose_the_answer(connection: Any) -> None:
        commit(connection)
        if next(lost, False):
            raise passing(rig.engine).orig  # type: ignore[misc]  # the driver's error

    rig.send(Sum(shelf="a", what="first"))  # so that the lane has its cursor, and the next commit is that of the batch
    rig.drain()
    sent = send(rig, 1)
    monkeypatch.setattr(dialect, "do_commit", lose_the_answer)
    with pytest.raises(sa.exc.OperationalError):
        rig.flush()
    assert next(lost, None) is None
    rig.recover()
    assert state(rig, 1) == steps(1)[-1]
    assert rig.count("ledger_receipt") == len([envelope for envelope in sent if envelope.key])
