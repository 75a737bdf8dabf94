"""Hubs with many rows, made by SQL in seconds. Copies of one item that a verb could have stored; SQLite only."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from bench.rig import HUB
from schema.hub.rules.lifecycle import HELD, STATUSES
from schema.hub.rules.lines import line_of
from schema.hub.tables import beacon, run, tally, work_attempt, work_event, work_item

CAPABILITY, ACTION = "Bench", "Nothing"
#: Beacons that the items of a mixture are or were with.
HOLDERS = 200
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def hash_of(number: int) -> str:
    """The hash of the n-th item, counted from 1."""
    return f"wi-bench-{number:012d}"


def ticket_of(number: int) -> str:
    """The ticket of the n-th item: the cursor of lists."""
    return f"01900000-0000-7000-8000-{number:012d}"


def event_of(number: int) -> str:
    """The EventGUID of the n-th item's only event."""
    return f"g{number:012d}"


def clear(engine: sa.Engine) -> None:
    """No work at all."""
    with engine.begin() as connection:
        for table in (work_item, work_event, work_attempt, run, tally):
            connection.execute(sa.delete(table))


def load_items(engine: sa.Engine, count: int, live: int) -> None:
    """So many items; the newest `live` of them are Pending, the others Complete."""
    status = f"CASE WHEN n > {count - live} THEN 'Pending' ELSE 'Complete' END"
    _load(engine, count, status, {"Pending": live, "Complete": count - live}, {"completed_at": "enqueued_at"})


def load_mixture(engine: sa.Engine, count: int) -> None:
    """So many items, a multiple of a thousand: of each thousand one is in each state that a beacon holds, ten are in each other one, and the
    rest is Complete.
    """
    shares = {status: 1 if status in HELD else 10 for status in STATUSES if status != "Complete"}
    cases, below = "", 0
    for status, share in shares.items():
        below += share
        cases += f" WHEN n % 1000 < {below} THEN '{status}'"
    counts = {status: count // 1_000 * share for status, share in shares.items()}
    times = dict.fromkeys(("completed_at", "canceled_at", "dispatched_at", "due_at"), "enqueued_at")
    more = times | {"assigned_beacon_id": f"printf('bcn-bench-%012d', n / 1000 % {HOLDERS} + 1)"}
    _load(engine, count, f"CASE{cases} ELSE 'Complete' END", counts | {"Complete": count - sum(counts.values())}, more)


def _load(engine: sa.Engine, count: int, status: str, counts: dict[str, int], more: dict[str, str]) -> None:
    """Items whose state, and what their state asks for, are expressions of their number `n`. Each has its run and its first event."""
    with engine.begin() as connection:
        connection.execute(sa.insert(work_item), _item())
        stored = {"work_item_hash": hash_of(0), "seq": 1, "event_guid": "g", "hub": HUB, "run_id": "rn-bench", "event_type": "enqueued"}
        told = {"from_status": "", "to_status": "Pending", "beacon_id": "", "payload": {}, "emitted_at": NOW}
        connection.execute(sa.insert(work_event), stored | told)
        numbered = {"work_item_hash": "printf('wi-bench-%012d', n)", "ticket": "printf('01900000-0000-7000-8000-%012d', n)"}
        copies(connection, work_item, count, numbered | {"status": status} | more)
        copies(connection, work_event, count, {"work_item_hash": numbered["work_item_hash"], "event_guid": "printf('g%012d', n)"})
        for state, items in counts.items():
            of = {"hub": HUB, "capability": CAPABILITY, "action": ACTION, "status": state, "items": items}
            connection.execute(sa.insert(tally), of)


def load_beacons(engine: sa.Engine, count: int) -> None:
    """So many beacons, none of which can do what the items need."""
    lists: dict[str, object] = {name: [] for name in ("capabilities", "action_schemas", "bind_addresses", "shared_mounts")}
    row = {"hub": HUB, "beacon_id": beacon_of(0), "name": "bench", "status": "Online", "max_concurrent": 1, "tags": {}, "contexts": {}, **lists}
    with engine.begin() as connection:
        connection.execute(sa.insert(beacon), row | {"presence_ms": 10**9, "registered_at": NOW, "last_contact_at": NOW})
        copies(connection, beacon, count, {"beacon_id": "printf('bcn-bench-%012d', n)", "name": "printf('bench-%012d', n)"})


def beacon_of(number: int) -> str:
    """The id of the n-th beacon, counted from 1."""
    return f"bcn-bench-{number:012d}"


def copies(connection: sa.Connection, table: sa.Table, count: int, changed: dict[str, str]) -> None:
    """Copy the only row of a table so many times, with some columns computed from the number `n`; the pattern itself goes."""
    columns = [column.name for column in table.columns]
    chosen = ", ".join(changed.get(name, f"pattern.{name}") for name in columns)
    for statement in (
        f"CREATE TEMPORARY TABLE pattern AS SELECT * FROM {table.name}",
        f"DELETE FROM {table.name}",
        f"INSERT INTO {table.name} ({', '.join(columns)}) {_numbers(count)} SELECT {chosen} FROM numbers, pattern",
        "DROP TABLE pattern",
    ):
        connection.execute(sa.text(statement))


def _numbers(count: int) -> str:
    """A common table expression of the numbers from 1 to `count`, which may be 0."""
    return f"WITH RECURSIVE numbers(n) AS (SELECT 1 WHERE {count} > 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"


def _item() -> dict[str, object]:
    words = dict.fromkeys(("run_hash", "node_hash", "operation_hash", "affinity_key", "submitter_tag", "last_error", "cancel_reason"), "")
    numbers = dict.fromkeys(("priority", "rank", "queue_wait_ms", "attempt_number", "failures", "losses"), 0)
    return {
        "work_item_hash": hash_of(0),
        "hub": HUB,
        "run_id": "rn-bench",
        "capability": CAPABILITY,
        "action": ACTION,
        "settings": {"Command": "true"},
        "require_affinity_match": False,
        "line": line_of(CAPABILITY, "", False, None),
        "ready_at": NOW,
        "metadata": {},
        "status": "Pending",
        "ticket": "01900000-0000-7000-8000-000000000000",
        "enqueued_at": NOW,
        "last_event_at": NOW,
        "timeout_ms": 300_000,
        "max_attempts": 1,
        "retry_backoff_ms": 5_000,
        "cancel_requested": False,
        "seq": 1,
        **words,
        **numbers,
    }
