"""What passes by itself is waited for, in order and without blame; what does not is a defect. Told apart by real errors of real servers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
import redis
import sqlalchemy as sa

from schema import envelope as keys
from schema.outcome import Done, Outcome
from tasks import failures, kernel, unit
from tasks.failures import LostLease, MigrationRunning, Overtime, SchemaMissing, is_transient
from tasks.unit import Unit
from tests.services.broker import RedisServer
from tests.services.processes import free_port
from tests.tasks.conftest import prepare
from tests.tasks.rig import A, Rig, rig_on, with_verbs
from tests.tasks.shelf import Put, put, thing


@pytest.fixture
def heavy(postgresql_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A worker on PostgreSQL whose statements have less time than usual."""
    prepare(postgresql_url)
    monkeypatch.setattr(unit, "STATEMENT_MS", 400)
    with rig_on(postgresql_url, redis_url) as made:
        yield made


@pytest.fixture
def impatient(rigs: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A worker on each engine that waits for locks less long than usual."""
    monkeypatch.setattr(unit, "LOCK_MS", 200)
    return rigs()


def assert_nobody_is_blamed(rig: Rig) -> None:
    assert not list(rig.redis.scan_iter("uv:tries:*")) or set(rig.redis.hvals(keys.tries(A))) == {b"0"}
    assert rig.count("ledger_dead_letter") == 0


def test_a_lane_that_another_transaction_holds_is_waited_for(impatient: Rig) -> None:
    impatient.send(Put(shelf="a", what="first"))
    impatient.drain()
    sent = impatient.send(*[Put(shelf="a", what=f"n{n}") for n in range(5)], waited=True)
    with impatient.engine.begin() as other:
        other.execute(sa.text("UPDATE ledger_cursor SET moved_at = moved_at"))
        with pytest.raises(sa.exc.OperationalError) as raised:
            impatient.flush()
    assert is_transient(raised.value)
    assert impatient.names() == ["first"]
    assert_nobody_is_blamed(impatient)
    impatient.flush()
    assert impatient.names() == ["first", *(f"n{n}" for n in range(5))]
    assert impatient.answers(sent) == [Done({"Count": 1}, 201)] * 5


def test_waiting_in_careful_mode_is_no_try(impatient: Rig) -> None:
    """What a killed flush left behind is carried out one by one; a database that is locked meanwhile is not the envelopes' fault."""
    impatient.send(Put(shelf="a", what="first"))
    impatient.drain()
    impatient.send(*[Put(shelf="a", what=f"n{n}") for n in range(3)])
    last = impatient.redis.xinfo_stream(keys.journal(A))["last-generated-id"]
    impatient.redis.hset(keys.running(impatient.group()), A, last)
    for _ in range(3):
        with impatient.engine.begin() as other:
            other.execute(sa.text("UPDATE ledger_cursor SET moved_at = moved_at"))
            with pytest.raises(sa.exc.OperationalError):
                impatient.flush()
        assert_nobody_is_blamed(impatient)
    impatient.drain()
    assert impatient.names() == ["first", "n0", "n1", "n2"]
    assert impatient.redis.exists(keys.tries(A)) == 0


KILLS = {"postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"), "mariadb": ("SELECT CONNECTION_ID()", "KILL {}")}


@pytest.mark.parametrize("engine", KILLS)
def test_a_connection_that_is_killed_in_the_middle_of_a_unit_loses_nothing(engine: str, redis_url: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    prepare(url)
    which, kill = KILLS[engine]
    kills = iter([True])

    def killed(command: Put, unit: Unit) -> Outcome:
        if command.what == "n2" and next(kills, False):
            number = unit.read(sa.text(which)).scalar()
            with rig.engine.connect() as other:
                other.execute(sa.text(kill.format(number)))
        return put(command, unit)

    with rig_on(url, redis_url) as rig:
        sent = rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(5)], waited=True)
        with pytest.raises(sa.exc.DBAPIError) as raised:
            with_verbs(rig, put=killed).flush()
        assert is_transient(raised.value)
        assert rig.names() == []
        assert_nobody_is_blamed(rig)
        rig.flush()
        assert rig.names() == [f"n{n}" for n in range(5)]
        assert None not in rig.answers(sent)


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_deadlock_passes(engine: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    prepare(url)
    engine_ = unit.connect(url)
    with engine_.begin() as connection:
        connection.execute(sa.insert(thing), [{"id": id, "lane": "l", "name": id, "value": 0, "at": kernel.clock()} for id in "ab"])
    errors: list[BaseException] = []
    meet = threading.Barrier(2)

    def touch(first: str, second: str) -> None:
        try:
            with engine_.begin() as connection:
                connection.execute(sa.update(thing).where(thing.c.id == first).values(value=1))
                meet.wait()
                connection.execute(sa.update(thing).where(thing.c.id == second).values(value=1))
        except sa.exc.DBAPIError as error:
            errors.append(error)

    threads = [threading.Thread(target=touch, args=pair) for pair in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine_.dispose()
    assert len(errors) == 1
    assert is_transient(errors[0])


MISTAKES = {
    "no such table": "SELECT * FROM no_such_table_that_is_busy_or_locked",
    "no such column": "SELECT disk_is_full_and_readonly FROM shelf_thing",
    "no statement": "SELEKT database is locked",
    "a row without values": "INSERT INTO shelf_thing (id) VALUES ('x')",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_ours_does_not_pass_whatever_its_words(mistake: str, rig: Rig) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised, rig.engine.begin() as connection:
        connection.execute(sa.text(MISTAKES[mistake]))
    assert not is_transient(raised.value)


def test_a_row_that_is_there_already_is_a_mistake(rig: Rig) -> None:
    row = {"id": "x", "lane": "l", "name": "n", "value": 0, "at": kernel.clock()}
    with pytest.raises(sa.exc.IntegrityError) as raised, rig.engine.begin() as connection:
        connection.execute(sa.insert(thing), [row, row])
    assert not is_transient(raised.value)


def test_a_file_that_cannot_be_opened_passes(lite: Rig) -> None:
    engine = unit.connect("sqlite:////no/such/folder/ultravisor.db")
    with pytest.raises(sa.exc.OperationalError) as raised:
        engine.connect()
    assert is_transient(raised.value)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_does_not_answer_passes(scheme: str) -> None:
    engine = unit.connect(f"{scheme}://nobody@127.0.0.1:{free_port()}/x")
    with pytest.raises(sa.exc.OperationalError) as raised:
        engine.connect()
    assert is_transient(raised.value)


def test_a_statement_that_takes_too_long_does_not_pass(heavy: Rig) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised, heavy.engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_sleep(20)"))
    assert not is_transient(raised.value)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (redis.ConnectionError(), True),
        (redis.TimeoutError(), True),
        (redis.BusyLoadingError(), True),
        (redis.ReadOnlyError(), True),
        (redis.ResponseError("wrong number of arguments"), False),
        (LostLease(), True),
        (SchemaMissing(), True),
        (MigrationRunning(), True),
        (sa.exc.TimeoutError(), True),
        (Overtime(), False),
        (KeyError("x"), False),
        (ZeroDivisionError(), False),
    ],
    ids=repr,
)
def test_other_errors(error: Exception, passes: bool) -> None:
    assert is_transient(error) is passes


def test_a_broker_that_dies_is_waited_for(rig: Rig, redis_server: RedisServer) -> None:
    sent = rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(3)], waited=True)
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        rig.flush()
    redis_server.start()
    rig.recover()
    assert rig.names() == ["n0", "n1", "n2"]
    assert None not in rig.answers(sent)


def test_a_broker_that_dies_in_the_middle_of_a_unit_does_not_take_the_commit_with_it(rig: Rig, redis_server: RedisServer) -> None:
    kills = iter([True])

    def killing(command: Put, unit: Unit) -> Outcome:
        if next(kills, False):
            redis_server.kill()
        return put(command, unit)

    sent = rig.send(Put(shelf="a", what="x"), waited=True)
    with pytest.raises(redis.ConnectionError):
        with_verbs(rig, put=killing).flush()
    assert rig.names() == ["x"]
    redis_server.start()
    rig.recover()
    (again,) = rig.send(Put(shelf="a", what="x"), key=sent[0].id, waited=True)
    rig.drain()
    assert rig.answer(again) == Done({"Count": 1}, 201)
    assert rig.names() == ["x"]
    assert len({event["EventGUID"] for event in rig.events()}) == 1
    assert rig.is_quiet()


def test_a_call_to_the_broker_is_made_once(redis_url: str, redis_server: RedisServer) -> None:
    """The library would repeat it, and an append that is repeated is made twice."""
    client = kernel.broker(f"{redis_url}?socket_timeout=0.2")
    client.config_resetstat()
    redis_server.pause()
    try:
        with pytest.raises(redis.TimeoutError):
            client.rpush("list", "once")
    finally:
        redis_server.resume()
    with redis_server.client() as other:
        assert other.llen("list") <= 1
        assert int(other.info("commandstats").get("cmdstat_rpush", {"calls": 0})["calls"]) <= 1
    client.close()


def test_overtime_in_the_middle_of_a_statement_is_the_commands_fault(heavy: Rig) -> None:
    """The driver would complain of a transaction in progress; that must not pass for a broken connection, or the lane waits for ever."""

    def interrupt(*_: object) -> None:
        raise Overtime

    def hang(command: Put, unit: Unit) -> Outcome:
        if command.what == "hangs":
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            unit.read(sa.text("SELECT pg_sleep(20)"))
        return put(command, unit)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        heavy.send(Put(shelf="a", what="good"), Put(shelf="a", what="hangs"), Put(shelf="a", what="later"))
        with_verbs(heavy, put=hang).flush()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heavy.names() == ["good"]
    assert set(heavy.redis.hvals(keys.tries(A))) == {b"1"}
    assert heavy.redis.pttl(keys.hold(A)) > 0
    heavy.pass_time()
    heavy.drain()
    assert heavy.names() == ["good", "hangs", "later"]


def test_every_error_of_ours_says_what_it_is() -> None:
    for error in (failures.LostCursor, LostLease, Overtime, SchemaMissing, MigrationRunning):
        assert error.__doc__
