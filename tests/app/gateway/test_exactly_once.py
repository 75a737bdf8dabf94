"""A change in a foreign database happens once, whoever dies between the two commits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from tasks import sweep
from tests.app.gateway.records import Library
from tests.app.worker import Databeacon
from tests.services.processes import Process, eventually

FLUSH = """
import os
from schema.settings import Settings
from tests.app.worker import Databeacon
Databeacon(Settings.read(os.environ)).flush("gateway/1")
print("done")
"""


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)
def test_a_databeacon_killed_between_the_two_commits_loses_and_repeats_nothing(
    client: FlaskClient,
    databeacon: Databeacon,
    target_url: str,
    environment: dict[str, str],
    tmp_path: Path,
    transport: redis.Redis,
    launch: Callable[..., Process],
) -> None:
    library = Library(client, target_url)
    databeacon.stop()
    asked = [library.ask("POST", "Book", {"Title": f"t{n}", "Isbn": f"i{n}"}, Prefer="respond-async", Idempotency_Key=f"k{n}") for n in range(3)]
    assert [response.status_code for response in asked] == [202] * 3
    mine = {**environment, "UV_SECRET_KEY": "a key for tests", "UV_GATEWAY_FILES": str(tmp_path), "UV_TEST_CRASH_AT": "committed_abroad"}
    child = launch(sys.executable, "-c", FLUSH, env=mine)
    assert child.wait() == -signal.SIGKILL, child.output
    assert library.rows('SELECT count(*) FROM "Book"') == [(3,)], "committed there"
    assert client.get(asked[0].json["Receipt"]).status_code == 404, "and not known here"
    transport.delete("uv:lease:gateway/1")  # what two seconds would do
    databeacon.start()
    sweep.sweep(databeacon.kernel)
    receipts = [eventually(lambda told=response: known(client, told.json["Receipt"])) for response in asked]
    assert [receipt["Outcome"]["Title"] for receipt in receipts] == ["t0", "t1", "t2"]
    again = library.ask("POST", "Book", {"Title": "t0", "Isbn": "i0"}, Idempotency_Key="k0")
    assert (again.status_code, again.json) == (200, receipts[0]["Outcome"])
    assert library.add(Title="more")["IDBook"] == 4
    assert library.rows('SELECT "Title" FROM "Book" ORDER BY "IDBook"') == [("t0",), ("t1",), ("t2",), ("more",)]
    library.engine.dispose()


def known(client: FlaskClient, receipt: str) -> dict[str, object] | None:
    response = client.get(receipt)
    return dict(response.json) if response.status_code == 200 else None


def test_a_broker_that_was_emptied_in_between_changes_nothing_of_that(
    client: FlaskClient,
    databeacon: Databeacon,
    target_url: str,
    environment: dict[str, str],
    tmp_path: Path,
    transport: redis.Redis,
    launch: Callable[..., Process],
) -> None:
    library = Library(client, target_url)
    databeacon.stop()
    library.ask("POST", "Book", {"Title": "t", "Isbn": "i"}, Prefer="respond-async", Idempotency_Key="k")
    mine = {**environment, "UV_SECRET_KEY": "a key for tests", "UV_GATEWAY_FILES": str(tmp_path), "UV_TEST_CRASH_AT": "committed_abroad"}
    launch(sys.executable, "-c", FLUSH, env=mine).wait()
    transport.flushall()
    databeacon.start()
    again = library.ask("POST", "Book", {"Title": "t", "Isbn": "i"}, Idempotency_Key="other")
    assert again.json["Code"] == "duplicate", "a batch of the broker's new life, told after the one of its former life"
    first = library.ask("POST", "Book", {"Title": "t", "Isbn": "i"}, Idempotency_Key="k")
    assert (first.status_code, first.json["IDBook"]) == (200, 1), "the outcome of the first time"
    assert library.rows('SELECT count(*) FROM "Book"') == [(1,)]
    library.engine.dispose()


def test_a_database_that_is_away_is_told_to_who_waits_and_nothing_is_done_later(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    library = Library(client, target_url)
    library.engine.dispose()
    client.put(f"/beacon/connection/{library.id}", json={"Config": {"SQLiteFilePath": "nowhere/target.db"}})
    away = library.ask("POST", "Book", {"Title": "t", "Isbn": "i"}, Idempotency_Key="k")
    assert (away.status_code, away.json["Code"]) == (502, "target_unavailable")
    assert library.ask("GET", "Books").json["Code"] == "target_unavailable"
    client.put(f"/beacon/connection/{library.id}", json={"Config": {"SQLiteFilePath": "target.db"}})
    assert library.get("Books") == []
    assert library.ask("POST", "Book", {"Title": "t", "Isbn": "i"}, Idempotency_Key="k").status_code == 200
    assert len(library.get("Books")) == 1
