"""Operations read and write foreign tables, through the databeacon that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tasks.runs import execute
from tests.app.gateway.conftest import served
from tests.app.worker import Worker
from tests.schema.runs.graphs import node, operation

CUSTOMER = sa.Table(
    "Customer",
    sa.MetaData(),
    sa.Column("IDCustomer", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("Name", sa.String(50)),
    sa.Column("Age", sa.Integer),
)


@pytest.fixture
def executor(worker: Worker) -> Iterator[list[Any]]:
    """The worker's tasks are carried out, beside it."""
    calls: list[Any] = []
    with ThreadPoolExecutor(1) as pool:

        def call(name: str, arguments: tuple[Any, ...], seconds: float) -> None:
            calls.append(arguments)
            pool.submit(execute.execute, worker.kernel, *arguments)

        object.__setattr__(worker.kernel, "call", call)
        yield calls


@pytest.fixture
def orders(client: FlaskClient, databeacon: Worker, target_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(target_url)
    CUSTOMER.create(engine)
    id = served(client, target_url)
    assert client.post(f"/beacon/connection/{id}/introspect", json={}).status_code == 200
    assert client.post(f"/beacon/endpoint/{id}/Customer/enable").status_code == 200
    yield engine
    engine.dispose()


def card(hash: str, type: str, **more: Any) -> dict[str, Any]:
    return node(hash, type, **{"Entity": "Customer", "Endpoint": "/1.0/orders/"} | more)


def ran(client: FlaskClient, *cards: dict[str, Any]) -> dict[str, Any]:
    """What became of a run of these cards, one after the other."""
    names = ["start", *(card["Hash"] for card in cards)]
    edges = [f"{one}.{'Out' if one == 'start' else 'Done'}>{other}.Trigger" for one, other in pairwise(names)]
    assert client.post("/Operation", json=operation(cards, edges)).status_code == 200
    return dict(client.get("/Operation/op/Execute").get_json())


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)
def test_records_are_created_read_changed_counted_and_deleted(client: FlaskClient, orders: sa.Engine, executor: list[Any]) -> None:
    told = ran(
        client,
        card("one", "meadow-create", Record={"IDCustomer": 1, "Name": "Ada", "Age": 36}),
        card("two", "meadow-create", Record='{"IDCustomer": 2, "Name": "Bob", "Age": 7}'),
        card("read", "meadow-read", RecordID="1"),
        card("change", "meadow-update", RecordID="2", Record={"Age": 8}),
        card("list", "meadow-reads", Filter="FBV~Age~GT~7"),
        card("count", "meadow-count"),
        card("gone", "meadow-delete", RecordID="1"),
    )
    assert told["Status"] == "Complete", told["Errors"]
    brought = told["TaskOutputs"]
    assert (brought["read"]["Record"]["Name"], brought["count"]["Count"]) == ("Ada", 2)
    assert [(row["Name"], row["Age"]) for row in brought["list"]["Records"]] == [("Ada", 36), ("Bob", 8)]
    with orders.connect() as connection:
        assert [tuple(row) for row in connection.execute(sa.select(CUSTOMER.c.Name, CUSTOMER.c.Age))] == [("Bob", 8)]


def test_a_task_that_is_done_again_changes_nothing_twice(client: FlaskClient, orders: sa.Engine, executor: list[Any], worker: Worker) -> None:
    assert ran(client, card("one", "meadow-create", Record={"IDCustomer": 1, "Name": "Ada"}))["Status"] == "Complete"
    (arguments,) = executor
    with worker.kernel.engine.begin() as connection:
        connection.execute(sa.text("UPDATE runs_node SET status = 'Executing' WHERE node_hash = 'one'"))
        settings = '{"Entity":"Customer","Endpoint":"/1.0/orders/","Main":"Record","TimeoutMs":9000,"Record":{"IDCustomer":1,"Name":"Ada"}}'
        connection.execute(sa.text("UPDATE runs_node SET settings = :settings WHERE node_hash = 'one'"), {"settings": settings})
    worker.kernel.redis.flushdb()
    row = execute._row(worker.kernel, *arguments)
    assert row is not None
    assert execute.perform(worker.kernel, row)["outputs"]["Record"]["Name"] == "Ada"
    with orders.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(CUSTOMER)).scalar_one() == 1


def test_what_is_not_served_fails_its_node_and_says_so(client: FlaskClient, orders: sa.Engine, executor: list[Any]) -> None:
    for more, said in (
        ({"Endpoint": "/1.0/nobody"}, "no connection"),
        ({"Entity": "Nothing"}, "is not served"),
        ({"RecordID": "77"}, "not Found"),
        ({"RecordID": "1,2"}, "RecordID must give IDCustomer"),
    ):
        told = ran(client, card("a", "meadow-read", **more))
        assert told["Status"] == "Failed"
        assert said in told["Errors"][0]["Message"], told["Errors"]
