"""What a dispatch costs does not depend on what waits, nor on what waits in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from schema.hub.commands import CancelWork, EnqueueWork, PauseCapability
from schema.hub.rules.windows import Window
from tasks.hub.windows import first_of
from tasks.kernel import new_id
from tasks.unit import Unit
from tests.tasks.hub.conftest import Hub

MANY = 20_000
BACKLOG = 100_000


@contextmanager
def work(engine: sa.Engine) -> Iterator[list[int]]:
    """Counts what SQLite does, in hundreds of its virtual machine's steps: every row that is looked at costs some."""
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    def watch(connection: sa.Connection) -> None:
        connection.connection.driver_connection.set_progress_handler(step, 100)  # type: ignore[union-attr]  # it is open

    sa.event.listen(engine, "begin", watch)
    yield steps
    sa.event.remove(engine, "begin", watch)


def multiply(hub: Hub, hash: str, count: int) -> None:
    """Let an item that waits stand there `count` times more, before all others."""
    columns = [c["name"] for c in sa.inspect(hub.kernel.engine).get_columns("hub_work_item")]
    changed = {"work_item_hash": "'wi-' || n || '-' || i.work_item_hash", "ticket": "printf('%036d', n)", "rank": "i.rank - 1000000000 + n"}
    chosen = ", ".join(changed.get(name, f"i.{name}") for name in columns)
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
    with hub.kernel.engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO hub_work_item ({', '.join(columns)}) {numbers} SELECT {chosen} FROM numbers, hub_work_item i WHERE i.work_item_hash = ?",
            (hash,),
        )
        item = "FROM hub_work_item WHERE work_item_hash = ?"
        of_it = f"status = 'Pending' AND (capability, action) = (SELECT capability, action {item})"
        connection.exec_driver_sql(f"UPDATE hub_tally SET items = items + ? WHERE {of_it}", (count, hash))
        of_its_key = f"concurrency_key = (SELECT concurrency_key {item} AND line LIKE '#%')"
        connection.exec_driver_sql(f"UPDATE hub_permit SET waiting = waiting + ? WHERE {of_its_key}", (count, hash))


#: Ways in which an item waits; each gives the hash of one that stands in its line.
def plain(hub: Hub) -> str:
    return hub.enqueue(priority=-1)[0]


def strict(hub: Hub) -> str:
    return hub.enqueue(affinity_key="ghost", require_affinity_match=True)[0]


def named(hub: Hub) -> str:
    return hub.enqueue(affinity_key="full")[0]


def bound(hub: Hub) -> str:
    return hub.enqueue(affinity_key="sticky")[0]


def keyed(hub: Hub) -> str:
    return hub.enqueue(2, concurrency_key="busy", capability="Key")[1]


def odd_action(hub: Hub) -> str:
    return hub.enqueue(action="Odd")[0]


def paused(hub: Hub) -> str:
    hub.done(PauseCapability(hub="h", capability="Later", paused=True))
    return hub.enqueue(capability="Later")[0]


KINDS: dict[str, Callable[[Hub], str]] = {f.__name__: f for f in (plain, strict, named, bound, keyed, odd_action, paused)}


def fleet(hub: Hub) -> tuple[str, list[str]]:
    """A beacon with one slot that works, another that is full and to which a key has stuck."""
    declared = [{"Capability": "Shell", "Action": "Execute"}]
    hub.register("full", slots=1, capabilities=("Stick",))
    hub.enqueue(affinity_key="sticky", capability="Stick")
    hub.register("full", slots=1, capabilities=("Stick", "Shell"), action_schemas=declared)
    ada = hub.register("ada", slots=1, capabilities=("Shell", "Later"), action_schemas=declared)
    return ada, hub.enqueue(60)


def cycle(hub: Hub, ada: str) -> None:
    """One item ends, the next one starts."""
    (offer,) = hub.inbox(ada)
    hub.done(hub.complete(offer["WorkItemHash"], ada, 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_backlog_costs_nothing(hub: Hub, kind: str, statements: Callable[[sa.Engine], list[str]]) -> None:
    ada, _ = fleet(hub)
    hash = KINDS[kind](hub)
    cycle(hub, ada)
    few, many = [], []
    for measured in (few, many):
        cycle(hub, ada)
        seen = statements(hub.kernel.engine)
        with work(hub.kernel.engine) as steps:
            cycle(hub, ada)
            measured += [steps[0], len(seen)]
        if measured is few:
            multiply(hub, hash, BACKLOG if kind == "plain" else MANY)
    assert many[1] <= few[1] + 1, "statements"
    assert many[0] <= few[0] * 1.5 + 20, "steps"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_window_is_a_walk_along_its_index(hub: Hub) -> None:
    for narrow, index in ((False, "ix_hub_work_item_line"), (True, "ix_hub_work_item_action")):
        asked: list[tuple[str, Any]] = []
        sa.event.listen(hub.kernel.engine, "before_cursor_execute", lambda c, k, text, given, *_, asked=asked: asked.append((text, given)))
        with hub.kernel.engine.connect() as connection:
            first_of(Unit(connection, "hub/h", hub.clock(), new_id), "h", [Window("*Shell", "Execute" if narrow else None, 5)])
            text, given = asked[-1]
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            connection.rollback()
        assert any(index in line for line in plan), plan
        assert not any("TEMP B-TREE" in line for line in plan), plan


#: Transactions, statements and the outbox's tidying, as they are: a change that needs more has to say why.
BUDGETS: dict[str, int] = {"enqueue": 24, "complete": 16, "cancel": 12}


@pytest.mark.parametrize("what", BUDGETS)
def test_a_batch_has_a_budget_of_statements_whatever_its_size(hub: Hub, what: str, statements: Callable[[sa.Engine], list[str]]) -> None:
    """Bulk inserts and updates count once each, as the driver is asked once."""
    ada = hub.register("ada", slots=400)
    hashes = hub.enqueue(100)
    commands: dict[str, list[Any]] = {
        "enqueue": [
            EnqueueWork(hub="h", capability="Shell", action="Execute", settings={}, metadata={}, limits=(10**6, 10**6, 0.5)) for _ in range(100)
        ],
        "complete": [hub.complete(hash, ada, 1) for hash in hashes],
        "cancel": [CancelWork(hub="h", work_item_hash=hash) for hash in hashes],
    }
    seen = statements(hub.kernel.engine)
    hub.done(*commands[what])
    batches = sum("ledger_cursor" in text and text.lstrip().upper().startswith("UPDATE") for text in seen)
    assert len(seen) <= BUDGETS[what] * max(1, batches), "\n".join(seen)
