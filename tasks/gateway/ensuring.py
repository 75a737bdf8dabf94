"""Bring a foreign database to a descriptor: forward only, one at a time, and never twice.

Callable from any verb that has an engine of purpose `build`, see `tasks.gateway.opening`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import exc

from schema.gateway.rules.descriptor import Descriptor, is_older
from schema.gateway.rules.plan import Step, digest_of, outputs
from schema.gateway.tables import abroad, shape_ledger
from tasks.crash import crash_point
from tasks.gateway.comparing import Move, moves
from tasks.kernel import clock, new_id

#: Name and number of the lock under which one process at a time shapes a database.
_LOCK = "ultravisor_schema"
_LOCK_NUMBER = 7_201_955
#: Seconds that one process waits for another that shapes the same database.
WAIT_SECONDS = 60


class Unshaped(Exception):
    """A database could not be brought to its descriptor. `done` are the statements that stay done: none where its engine takes DDL back."""

    def __init__(self, code: str, text: str, done: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.code, self.text, self.done = code, text, done


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done, and what would only be listed."""

    forward: tuple[Step, ...]
    skipped: tuple[Step, ...]

    @property
    def digest(self) -> str:
        """Tells this plan from another."""
        return digest_of([step.statement for step in self.forward])


def engine_word(dialect: sa.Dialect) -> str:
    """The engine as descriptors and answers call it: MariaDB counts as MySQL."""
    return "mysql" if dialect.name == "mariadb" else dialect.name


def planned(engine: sa.Engine, descriptor: Descriptor) -> Planned:
    """What `ensured` would do now. Changes nothing."""
    with engine.connect() as connection:
        found = moves(connection, descriptor)
        connection.rollback()
    return Planned(tuple(m.step for m in found if m.statement is not None), tuple(m.step for m in found if m.statement is None))


def ensured(
    engine: sa.Engine,
    descriptor: Descriptor,
    actor: str,
    *,
    plan: str = "",
    force: bool = False,
    now: Callable[[], datetime] = clock,
    fresh_id: Callable[[], str] = new_id,
) -> dict[str, Any]:
    """Do what is missing, and leave a line in `ultravisor_schema` where anything was. Returns the outputs that clients know.

    A second run finds nothing to do. One that was killed is finished by the next. Raises Unshaped: `stale` for a descriptor older than the one
    that was applied last (unless forced), or where the digest `plan` is not that of what is to be done now; `conflict` where rows or a name stand in
    the way.
    """
    with engine.connect() as connection, _alone(connection):
        if not force:
            _refuse_older(connection, descriptor)
        found = moves(connection, descriptor)
        forward, skipped = [m for m in found if m.statement is not None], [m.step for m in found if m.statement is None]
        if plan and plan != digest_of([move.step.statement for move in forward]):
            raise Unshaped("stale", "The database is not as it was when this plan was made. Plan again.")
        _take(connection, forward)
        if forward:
            _record(connection, descriptor, forward, skipped, {"id": fresh_id(), "actor": actor[:160], "applied_at": now()})
        connection.commit()
    return outputs(descriptor.name, engine_word(engine.dialect), [m.step for m in forward], skipped, descriptor.notes)


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """One at a time: on SQLite by the transaction, on PostgreSQL and SQL Server by a lock that ends with it, on MySQL by one of the session."""
    name = connection.dialect.name
    if name == "postgresql":
        connection.execute(sa.text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": str(1000 * WAIT_SECONDS)})
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
    elif name == "mssql":
        lock = sa.text("EXEC sp_getapplock @Resource = :n, @LockMode = 'Exclusive', @LockTimeout = :ms")
        connection.execute(lock, {"n": _LOCK, "ms": 1000 * WAIT_SECONDS})
    elif name in ("mysql", "mariadb"):
        lock = sa.text("SELECT GET_LOCK(CONCAT(:n, '.', MD5(DATABASE())), :wait)")
        if connection.execute(lock, {"n": _LOCK, "wait": WAIT_SECONDS}).scalar() != 1:
            raise Unshaped("conflict", "Somebody else has been shaping this database for too long.")
    try:
        yield
    finally:
        if name in ("mysql", "mariadb") and not connection.invalidated:
            connection.rollback()
            connection.execute(sa.text("SELECT RELEASE_LOCK(CONCAT(:n, '.', MD5(DATABASE())))"), {"n": _LOCK})


def _refuse_older(connection: sa.Connection, descriptor: Descriptor) -> None:
    if not descriptor.version or not sa.inspect(connection).has_table(shape_ledger.name):
        return
    last = sa.select(shape_ledger.c.version).where(shape_ledger.c.schema_name == descriptor.name)
    newest = connection.execute(last.order_by(shape_ledger.c.applied_at.desc(), shape_ledger.c.id.desc()).limit(1)).scalar()
    if newest and is_older(descriptor.version, newest):
        raise Unshaped("stale", f"{descriptor.name} is at version {newest} here; {descriptor.version} is older.")


def _take(connection: sa.Connection, forward: list[Move]) -> None:
    done: list[str] = []
    for move in forward:
        assert move.statement is not None
        try:
            connection.execute(move.statement)
        except (exc.IntegrityError, exc.ProgrammingError, exc.OperationalError, exc.DataError) as error:
            if error.connection_invalidated:
                raise
            kept = tuple(done) if connection.dialect.name in ("mysql", "mariadb") else ()
            reason = str(error.orig).strip().partition("\n")[0]
            raise Unshaped("conflict", f"{move.step.kind} {move.step.name or move.step.subject}: {reason}", kept) from error
        done.append(move.step.statement)
        crash_point("shape_step_taken")


def _record(connection: sa.Connection, descriptor: Descriptor, forward: list[Move], skipped: list[Step], row: dict[str, Any]) -> None:
    abroad.create_all(connection)
    told = {
        "schema_name": descriptor.name,
        "version": descriptor.version,
        "digest": descriptor.digest,
        "statements": orjson.dumps([move.step.statement for move in forward]).decode(),
        "skipped": orjson.dumps(sorted({step.tag for step in skipped})).decode(),
    }
    connection.execute(sa.insert(shape_ledger), {**told, **row})
