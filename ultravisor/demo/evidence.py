"""What a demo has left behind, read back by plain SQL on a connection that cannot write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from schema.settings import Settings
from ultravisor import database
from ultravisor.demo.work import Item

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Query:
    """A statement that counts by a word, and what the counts must be after so many items."""

    title: str
    statement: str
    holds: Callable[[Counts, int], bool]

    def of(self, run: str) -> str:
        """The statement as it can be typed."""
        return self.statement.replace(":run", "'" + run.replace("'", "''") + "'")


QUERIES = (
    Query(
        "work items",
        "SELECT status, COUNT(*) FROM hub_work_item WHERE run_id = :run GROUP BY status ORDER BY status",
        lambda counts, items: counts == {"Complete": items},
    ),
    Query(
        "events",
        "SELECT event_type, COUNT(*) FROM hub_work_event WHERE run_id = :run GROUP BY event_type ORDER BY event_type",
        # An item whose beacon was lost is dispatched again; it is enqueued and completed once all the same.
        lambda counts, items: counts.get("enqueued") == items == counts.get("completed") and counts.get("dispatched", 0) >= items,
    ),
    Query(
        "attempts",
        "SELECT a.outcome, COUNT(*) FROM hub_work_attempt a JOIN hub_work_item i ON i.work_item_hash = a.work_item_hash"
        " WHERE i.run_id = :run GROUP BY a.outcome ORDER BY a.outcome",
        lambda counts, items: counts.get("Complete") == items and "Running" not in counts,
    ),
)

_OUTPUTS = "SELECT outputs FROM hub_work_attempt WHERE work_item_hash = :hash AND outcome = 'Complete'"


def counts(settings: Settings, run: str) -> list[tuple[Query, Counts]]:
    """What the tables hold of a run."""
    with database.reading(settings) as connection:
        return [(query, _counted(connection, query, run)) for query in QUERIES]


def _counted(connection: sa.Connection, query: Query, run: str) -> Counts:
    return {str(word): int(count) for word, count in database.values(connection, query.statement, run=run)}


def stored_digest(settings: Settings, item: Item) -> str | None:
    """The digest that the item's attempt has brought."""
    with database.reading(settings) as connection:
        outputs: str | Mapping[str, Any] | None = database.value(connection, _OUTPUTS, hash=item.hash)
    # PostgreSQL's driver has read the JSON already, the others give its text.
    read = orjson.loads(outputs) if isinstance(outputs, str) else outputs
    return None if read is None else str(read.get("Result"))


def true_digest(item: Item) -> str:
    """The digest of the item's file, computed here."""
    return hashlib.sha256(item.file.read_bytes()).hexdigest()
