"""The hub's rows in a database of the operator's choice: assigned, waited for, and read back there by plain SQL alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import orjson
import sqlalchemy as sa

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import database, here
from ultravisor.demo.evidence import Counts, Query
from ultravisor.demo.work import PATIENCE_SECONDS, insist

_PAUSE = 0.1
_STORED = "SELECT kind, config, secrets FROM gateway_connection WHERE id = :id"

#: What is asked over there. Names stand in quotes as every engine of the three reads them once `in_words_of` has been at it.
QUERIES = (
    Query(
        "items there",
        'SELECT "Status", COUNT(*) FROM "UVQueueWorkItem" WHERE "RunID" = :run AND "Deleted" = 0 GROUP BY "Status" ORDER BY "Status"',
        lambda counts, items: counts == {"Complete": items},
    ),
    Query(
        "events there",
        'SELECT "EventType", COUNT(*) FROM "UVQueueWorkItemEvent" WHERE "RunID" = :run GROUP BY "EventType" ORDER BY "EventType"',
        lambda counts, items: counts.get("enqueued") == items == counts.get("completed") and counts.get("dispatched", 0) >= items,
    ),
    Query(
        "attempts there",
        'SELECT a."Outcome", COUNT(*) FROM "UVQueueWorkItemAttempt" a JOIN "UVQueueWorkItem" i ON i."WorkItemHash" = a."WorkItemHash"'
        ' AND i."UltravisorInstanceID" = a."UltravisorInstanceID" WHERE i."RunID" = :run GROUP BY a."Outcome" ORDER BY a."Outcome"',
        lambda counts, items: counts.get("Complete") == items and "Running" not in counts,
    ),
)


@dataclass(frozen=True, slots=True)
class Target:
    """The connection in which the rows are kept."""

    id: int
    name: str
    kind: str
    state: str

    def in_words_of(self, statement: str) -> str:
        """The statement as this engine reads it."""
        return statement.replace('"', "`") if self.kind in ("MySQL", "MariaDB") else statement


def assigned(settings: Settings, name: str | None) -> Target:
    """Have the rows kept in the connection of that name; without one in that which was chosen already, else in `local`.

    Waits until all that there was is there. Raises Unavailable when that cannot be.
    """
    standing = insist(lambda: here.ask(settings, "/Ultravisor/Persistence/Status"))
    chosen = standing["Queue"]["IDBeaconConnection"]
    known = _known(settings, name or "local", chosen if name is None else 0)
    if known["IDBeaconConnection"] != chosen:
        body = {"BeaconID": known["Databeacon"] or "embedded", "IDBeaconConnection": known["IDBeaconConnection"]}
        insist(lambda: here.ask(settings, "/Ultravisor/Persistence/Assign", body))
    state = _until(settings, lambda told: told["State"] == "bootstrapped", "is not bootstrapped")["State"]
    return Target(known["IDBeaconConnection"], known["Name"], known["Type"], state)


def await_rows(settings: Settings) -> None:
    """Until nothing is on its way any more. Raises Unavailable when nothing moves for long."""
    _until(settings, lambda told: told["State"] == "bootstrapped" and told["LagRows"] == 0, "has not got all rows")


def counts(settings: Settings, target: Target, run: str) -> list[tuple[Query, Counts]]:
    """What the tables over there hold of a run, by a connection that cannot write."""
    with _reading(settings, target) as connection:
        return [(query, _counted(connection, target.in_words_of(query.statement), run)) for query in QUERIES]


def command(settings: Settings, target: Target, run: str) -> str:
    """How to look at the items over there."""
    statement = target.in_words_of(QUERIES[0].of(run))
    if target.kind != "SQLite":
        return statement
    with _reading(settings, target) as connection:
        file = str(database.values(connection, "PRAGMA database_list")[0][2])
    return f"sqlite3 -readonly {shlex.quote(file)} {shlex.quote(statement)}"


def _known(settings: Settings, name: str, id: int) -> dict[str, Any]:
    """A connection by its id, else by its name; the hub's own one may still be on its way. Raises Unavailable when there is none."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        found: list[dict[str, Any]] = insist(lambda: here.ask(settings, "/beacon/connections"))["Connections"]
        fitting = [one for one in found if (one["IDBeaconConnection"] == id if id else one["Name"] == name)]
        if fitting:
            return fitting[0]
        if monotonic() > deadline or name != "local":
            names = ", ".join(one["Name"] for one in found) or "none"
            raise Unavailable(f"there is no connection {name}; known are: {names}")
        sleep(_PAUSE)


def _until(settings: Settings, holds: Callable[[Mapping[str, Any]], bool], trouble: str) -> Mapping[str, Any]:
    """The status once it is as it should be; the patience begins anew with each step that is seen."""
    seen, deadline = "", monotonic() + PATIENCE_SECONDS
    while True:
        told: Mapping[str, Any] = insist(lambda: here.ask(settings, "/Ultravisor/Persistence/Status"))
        if holds(told):
            return told
        step = orjson.dumps([told["State"], told["LagRows"], told["Tables"]]).decode()
        if step != seen:
            seen, deadline = step, monotonic() + PATIENCE_SECONDS
        if monotonic() > deadline:
            raise Unavailable(f"the database {trouble}: {told['State']}, {told['LastError'] or 'without a word'}")
        sleep(_PAUSE)


def _counted(connection: sa.Connection, statement: str, run: str) -> Counts:
    return {str(word): int(count) for word, count in database.values(connection, statement, run=run)}


@contextmanager
def _reading(settings: Settings, target: Target) -> Iterator[sa.Connection]:
    """A connection to the target that cannot write."""
    from tasks.gateway.opening import unsaved  # here, for most commands have no use for it

    with database.reading(settings) as control:
        ((kind, config, sealed),) = database.values(control, _STORED, id=target.id)
    read = orjson.loads(config) if isinstance(config, str) else config
    engine = unsaved(settings, kind, read, sealed, "ask")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
