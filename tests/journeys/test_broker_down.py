"""The broker is missing at the start, goes away in the middle of a request, and stays away: nothing is accepted that is not stored."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import redis

from bench.chaos.evidence import Rows, gather
from bench.chaos.house import BEACONS, House, settings_for
from bench.chaos.laws import breaches
from bench.chaos.load import Line, Load
from bench.chaos.plan import Order, order
from schema import envelope as keys
from tasks import migrations, unit
from tasks.worker import HANGING_SECONDS
from tests.services.processes import listening
from ultravisor import here

SERVERS = ("redis", "worker", "beat")
#: Seconds for whatever must happen; a healthy machine needs a fraction.
SOON = 40.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A hub of which nothing runs yet."""
    house = House(settings_for(tmp_path / "hub"))
    yield house
    house.kill()


def wait(house: House, question: Callable[[], object], what: str) -> None:
    assert house.mind_until(question, SOON), f"not within {SOON:g} s: {what}; logs in {house.data / 'logs'}"


def get(house: House, path: str) -> tuple[int, Any]:
    try:
        return here.ask(house.settings, path, timeout=5)
    except OSError as trouble:
        return 0, str(trouble)


def ready(house: House) -> bool:
    return get(house, "/readyz")[0] == 200


def enqueue(house: House, wanted: Order) -> tuple[int, dict[str, Any]]:
    line = Line(here.reachable(house.settings.address))
    try:
        return line.ask(wanted)[:2]
    finally:
        line.close()


def enqueued(house: House, wanted: Order) -> str:
    """The item's hash, after as many repetitions as it takes."""
    answers: list[dict[str, Any]] = []

    def accepted() -> bool:
        status, body = enqueue(house, wanted)
        assert status in (0, 200, 503), body
        answers.append(body)
        return status == 200

    wait(house, accepted, "the item is accepted")
    return str(answers[-1]["WorkItemHash"])


def migrate(house: House) -> None:
    engine = unit.connect(house.settings.database_url)
    migrations.upgrade(engine)
    engine.dispose()


def stored(house: House) -> list[str]:
    """The keys of all items, by SQL."""
    evidence = gather(Rows(house.settings.database_url), Load(("", 0), 0, 0).ledger, house.executions)
    return [key for key, hashes in evidence.hashes.items() for _ in hashes]


def start_web_alone(house: House) -> None:
    host, port = here.reachable(house.settings.address)
    house.start("web")
    wait(house, lambda: listening(port, host), "the web process listens")


def test_a_web_process_without_a_broker_accepts_nothing_and_is_ready_by_itself_when_it_comes(house: House) -> None:
    migrate(house)
    start_web_alone(house)
    wanted = order(1, 1)
    status, body = enqueue(house, wanted)
    assert (status, body["Code"]) == (503, "unavailable")
    assert body.keys() >= {"Error", "RequestID"}
    assert get(house, "/healthz")[0] == 200, "it lives, it only cannot work"
    assert get(house, "/readyz")[0] == 503
    assert get(house, "/Beacon/Work")[0] == 200, "what is stored can be read"
    assert stored(house) == []
    house.start(*SERVERS)
    wait(house, lambda: ready(house), "the web process is ready")
    enqueued(house, wanted)
    assert stored(house) == [wanted.key]
    assert house.ended_unasked == []


def test_a_new_hub_without_a_broker_becomes_ready_by_itself_when_it_comes(house: House) -> None:
    start_web_alone(house)
    status, body = enqueue(house, order(1, 1))
    assert (status, body["Code"]) in {(503, "unavailable"), (503, "not_ready")}
    assert get(house, "/readyz")[0] == 503
    house.start(*SERVERS)
    wait(house, lambda: ready(house), "the web process is ready")
    enqueued(house, order(1, 2))
    assert stored(house) == [order(1, 2).key]
    assert house.ended_unasked == []


def test_workers_that_start_without_a_broker_wait_for_it(house: House) -> None:
    house.start("web", "worker", "beat")
    worker = house.children["worker"]
    logged = house.data / "logs" / "worker.log"
    wait(house, lambda: b"rying again" in logged.read_bytes(), "the worker has looked for its broker in vain")
    house.start("redis")
    wait(house, lambda: ready(house), "the hub is ready")
    enqueued(house, order(1, 1))
    assert house.children["worker"] is worker
    assert house.ended_unasked == []


@pytest.mark.parametrize("blow", ["kill", "flush"])
def test_a_broker_that_goes_in_mid_request_leaves_the_outcome_unknown_and_one_item(house: House, blow: str) -> None:
    house.start("redis", "web", "worker", "beat")
    wait(house, lambda: ready(house), "the hub is ready")
    wanted = order(1, 1)
    frozen = house.processes("worker")
    house.hurt("worker", signal.SIGSTOP, frozen, seconds=SOON)
    with here.broker(house.settings) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(enqueue, house, wanted)
        wait(house, lambda: client.xlen(keys.journal(f"hub/{house.settings.hub}")), "the command is in the journal")
        if blow == "flush":
            client.flushall()
        else:
            house.hurt("redis", signal.SIGKILL, house.processes("redis"))
        wait(house, waiting.done, "the caller is answered")
        status, body = waiting.result()
    assert (status, body["Code"]) == (503, "outcome_unknown")
    assert body["IdempotencyKey"] == wanted.key
    assert stored(house) == []
    house.send(signal.SIGCONT, frozen)
    work_item_hash = enqueued(house, wanted)
    assert enqueued(house, wanted) == work_item_hash
    assert stored(house) == [wanted.key]


def test_while_the_broker_is_away_nothing_is_accepted_and_afterwards_nothing_is_missing(house: House) -> None:
    house.start()
    wait(house, lambda: ready(house), "the hub is ready")
    load = Load(here.reachable(house.settings.address), seed=1, clients=8)
    load.send(600, 6.0)
    ledger = load.ledger
    wait(house, lambda: len(ledger.answers) >= 60, "items are accepted")
    house.kill("redis")
    wait(house, lambda: ledger.repeats["unavailable"] >= 60, "clients are refused again and again")
    accepted = len(ledger.answers)
    leaving = [order(2, number) for number in range(20)]
    assert {enqueue(house, wanted)[1]["Code"] for wanted in leaving} == {"unavailable"}
    ledger.refused += [wanted.key for wanted in leaving]
    assert get(house, "/healthz")[0] == 200
    assert get(house, "/readyz")[0] == 503
    assert get(house, "/Beacon/Work")[0] == 200, "what is stored can be read"
    assert len(ledger.answers) == accepted, "without a journal nothing can be accepted"
    house.start("redis")
    wait(house, lambda: load.done, "every client is answered")
    assert len(ledger.answers) == 600
    rows = Rows(house.settings.database_url)
    drained(house, rows)
    assert breaches(gather(rows, ledger, house.executions)) == {}
    assert house.ended_unasked == []


def test_a_worker_outlives_an_outage_that_is_longer_than_any_flush_may_take(house: House) -> None:
    """Its main process runs no timers while it looks for the broker: whoever measures a flush there finds it late, and kills for nothing."""
    house.start("redis", "web", "worker", "beat")
    wait(house, lambda: ready(house), "the hub is ready")
    for number in range(20):
        enqueued(house, order(3, number))
    family = set(house.processes("worker"))
    house.kill("redis")
    over = monotonic() + HANGING_SECONDS + 1
    assert house.mind_until(lambda: monotonic() > over, SOON)
    house.start("redis")
    enqueued(house, order(3, 20))
    assert set(house.processes("worker")) == family
    assert b"exited with" not in (house.data / "logs" / "worker.log").read_bytes()
    assert house.ended_unasked == []


def drained(house: House, rows: Rows) -> None:
    began = monotonic()
    wait(house, lambda: not rows.in_flight(), "all items have ended")
    house.end(*BEACONS)
    wait(house, lambda: not rows.in_flight(), f"nothing is left, {monotonic() - began:.1f} s after the last answer")


def test_the_journal_answers_again_after_it_was_killed(house: House) -> None:
    """The harness itself: a Redis that was killed comes back on the same socket with its data."""
    house.start("redis")
    client = here.broker(house.settings)

    def there() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    wait(house, there, "Redis answers")
    client.set("uv:test", "kept")
    house.hurt("redis", signal.SIGKILL, house.processes("redis"))
    wait(house, lambda: not house.children["redis"].alive or there(), "Redis is gone or back")
    wait(house, there, "Redis answers")
    assert client.get("uv:test") == "kept"
    assert house.ended_unasked == []
    client.close()
