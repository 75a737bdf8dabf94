"""Two workers on one lane, a frozen one that wakes, a broker that is emptied or goes back in time: the cursor decides."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from schema import envelope as keys
from schema.outcome import Done, Outcome
from tasks import crash, cursor, streams, sweep
from tasks.failures import is_transient
from tasks.lease import Lease
from tasks.unit import Unit
from tests.services.processes import Process, eventually
from tests.tasks.conftest import prepare
from tests.tasks.rig import A, Rig, rig_on, with_verbs
from tests.tasks.shelf import PassOn, Put, Sum, add_up, put

COUNT = 120


@pytest.mark.parametrize("courtesy", [True, False], ids=["with leases", "without leases"])
def test_two_workers_on_one_lane_do_each_command_once(courtesy: bool, rigs: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    if not courtesy:
        monkeypatch.setattr(Lease, "take", lambda self: True)
        monkeypatch.setattr(Lease, "renew", lambda self: None)
    workers = [rigs(UV_BATCH="7"), rigs(UV_BATCH="5")]
    workers[0].send(*[Sum(shelf="a", what=f"n{n}") for n in range(COUNT)])
    failed: list[BaseException] = []
    threads = [threading.Thread(target=_work, args=(worker, failed)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert workers[0].rows("SELECT sum FROM shelf_total") == [(COUNT,)], "no update was lost"
    assert Counter(workers[0].names()) == {f"n{n}": 1 for n in range(COUNT)}
    assert workers[0].names() == [f"n{n}" for n in range(COUNT)]


def _work(rig: Rig, failed: list[BaseException]) -> None:
    """Flush until the lane is empty, as often as it takes."""
    try:
        while rig.redis.xlen(keys.journal(A)):
            try:
                rig.flush(holder=threading.current_thread().name)
            except Exception as error:
                if not is_transient(error):
                    raise
    except BaseException as error:  # noqa: BLE001 - told to the test
        failed.append(error)


def freeze_at(place: str, rig: Rig, launch: Callable[..., Process]) -> Process:
    settings = rig.kernel.settings
    child = launch(sys.executable, "-m", "tests.tasks.child", settings.database_url, settings.redis_url, place)
    child.wait_for_line(f"frozen at {place}")
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)  # it has said so a moment before
    return child


def fill(rig: Rig) -> None:
    rig.send(*[Sum(shelf="a", what=f"sum{n}") for n in range(3)], waited=True)
    rig.send(PassOn(shelf="a", what="passed", to="b"))


THINGS = {"sum0": 1, "sum1": 1, "sum2": 1, "passed": 1, "passed, ordered": 1}


def audit(rig: Rig) -> None:
    assert Counter(rig.names()) == THINGS
    assert rig.rows("SELECT sum FROM shelf_total") == [(3,)]
    assert rig.count("ledger_dead_letter") == 0
    assert len({event["EventGUID"] for event in rig.events()}) == 2
    assert rig.is_quiet()


def try_to_drain(rig: Rig) -> None:
    """Drain as far as the frozen process lets us."""
    rig.pass_time()
    try:
        rig.drain()
    except Exception as error:
        if not is_transient(error):
            raise


@pytest.mark.parametrize("place", crash.POINTS)
def test_a_frozen_worker_that_wakes_after_its_lease_has_ended_does_no_harm(place: str, lite: Rig, launch: Callable[..., Process]) -> None:
    fill(lite)
    child = freeze_at(place, lite, launch)
    try_to_drain(lite)
    child.resume()
    assert child.wait() == 0, child.output
    lite.recover()
    audit(lite)


@pytest.mark.parametrize("place", ["entries_read", "unit_opened", "cursor_moved", "committed"])
@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_frozen_worker_on_a_server_neither_does_harm_nor_keeps_its_lane(
    engine: str, place: str, redis_url: str, launch: Callable[..., Process], request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    prepare(url)
    with rig_on(url, redis_url) as rig:
        fill(rig)
        child = freeze_at(place, rig, launch)

        def is_done() -> bool:
            try_to_drain(rig)
            sweep.sweep(rig.kernel)
            return rig.is_quiet()

        # The server ends the transaction of one who says nothing; until then we wait for a lock, and come again.
        eventually(is_done)
        assert Counter(rig.names()) == THINGS
        child.resume()
        assert child.wait() == 0, child.output
        rig.recover()
        audit(rig)


def test_a_broker_emptied_between_append_and_flush_loses_what_was_not_answered_and_the_caller_repeats(rig: Rig) -> None:
    (lost,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
    rig.redis.flushall()
    assert rig.flush()
    assert rig.answer(lost) is None
    (again,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
    rig.flush()
    assert rig.answer(again) == Done({"Count": 1}, 201)
    assert rig.names() == ["x"]


def test_a_broker_emptied_in_the_middle_of_a_flush_applies_nothing_twice(rig: Rig) -> None:
    """Between the look at the journal and the commit the broker is emptied, and a new life begins with the same commands."""
    sent = rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(3)], waited=True)
    for n in range(3):
        sent += rig.send(Put(shelf="a", what=f"k{n}"), key=f"k{n}", waited=True)
    first = rig.redis.get(keys.EPOCH)
    again = iter([True])

    def empty_first(command: Put, unit: Unit) -> Outcome:
        if next(again, False):
            rig.redis.flushall()
            rig.send(*[Put(shelf="a", what=f"k{n}") for n in range(1)], key="k0", waited=True)
            rig.send(Put(shelf="a", what="new"))
        return put(command, unit)

    with_verbs(rig, put=empty_first).flush()
    rig.drain()
    assert rig.redis.get(keys.EPOCH) != first
    assert Counter(rig.names()) == dict.fromkeys(["n0", "n1", "n2", "k0", "k1", "k2", "new"], 1)
    assert None not in rig.answers(sent), "they were committed, so they were answered, in whatever life of the broker"
    assert rig.count("ledger_cursor") == 2


def test_a_broker_replaced_in_the_middle_of_a_flush_by_one_whose_clock_is_behind_keeps_its_entries(rig: Rig) -> None:
    """What the flush then trims up to its cursor must be entries of its own life."""
    again = iter([True])

    def replace_first(command: Put, unit: Unit) -> Outcome:
        if next(again, False):
            (entry,) = rig.redis.xrange(keys.journal(A))
            rig.redis.flushall()
            rig.redis.set(keys.EPOCH, "another life")
            rig.redis.sadd(keys.LANES, A)
            rig.redis.xadd(keys.journal(A), {"e": entry[1][b"e"].replace(b"first", b"second")}, id="1-1")
        return put(command, unit)

    rig.send(Put(shelf="a", what="first"))
    with_verbs(rig, put=replace_first).flush()
    rig.drain()
    assert rig.names() == ["first", "second"]
    assert rig.position() == "1-1"


def test_a_worker_of_a_former_life_of_the_broker_keeps_the_next_one_waiting(rigs: Callable[..., Rig]) -> None:
    """Two flushes of one lane, each with the cursor of another life: only what both must lock keeps them apart."""
    rig, other = rigs(), rigs()
    rig.send(Sum(shelf="a", what="before"))
    rig.drain()
    rig.send(PassOn(shelf="b", what="x", to="a"))
    rig.redis.set(keys.hold(A), "1", px=60_000)
    rig.drain()
    rig.redis.delete(keys.hold(A))
    outcome: list[str] = []

    def meanwhile(command: Put, unit: Unit) -> Outcome:
        """The order is being carried out. Its broker dies, the sweep sends it again, and another worker takes it."""
        other.redis.flushall()
        other.pass_time()
        outcome.append(_attempt(lambda: sweep.sweep(other.kernel)))
        outcome.append(_attempt(lambda: other.flush(holder="other")))
        return put(command, unit)

    _attempt(with_verbs(rig, put=meanwhile).flush)  # its lease went with the broker, so it may leave early
    assert outcome[-1] == "waits"
    rig.recover()
    assert Counter(rig.names()) == {"before": 1, "x": 1, "x, ordered": 1}
    assert rig.is_quiet()


def _attempt(step: Callable[[], object]) -> str:
    """Whether a step could be done, or has to wait for somebody."""
    try:
        step()
    except Exception as error:
        if not is_transient(error):
            raise
        return "waits"
    return "done"


def test_the_first_writers_of_a_lane_in_two_lives_of_the_broker_meet_as_well(rigs: Callable[..., Rig]) -> None:
    rig, other = rigs(), rigs()
    rig.send(Sum(shelf="a", what="x"))
    outcome: list[str] = []

    def meanwhile(command: Sum, unit: Unit) -> Outcome:
        if not outcome:
            other.redis.flushall()
            other.send(Sum(shelf="a", what="y"))
            outcome.append(_attempt(lambda: other.flush(holder="other")))
        return add_up(command, unit)

    _attempt(with_verbs(rig, sum=meanwhile).flush)
    assert outcome == ["waits"]
    rig.recover()
    assert Counter(rig.names()) == {"x": 1, "y": 1}
    assert rig.rows("SELECT sum FROM shelf_total") == [(2,)]


def test_a_broker_that_lost_its_newest_seconds_gives_new_entries_numbers_after_the_cursor(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="old"))
    rig.flush()
    stand = rig.position()
    assert stand is not None
    # Its file ends before the entry; its clock has been set back too, else time alone would bring it beyond the cursor.
    ahead = f"{int(stand.split('-')[0]) + 3_600_000}-0"
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ledger_cursor SET position = '{ahead}' WHERE lane = '{A}'")
    sweep.sweep(rig.kernel)
    (sent,) = rig.send(Put(shelf="a", what="new"), waited=True)
    rig.drain()
    assert rig.answer(sent) == Done({"Count": 1}, 201)
    assert streams.id_key(str(rig.position())) > streams.id_key(ahead)


@pytest.mark.parametrize("gone", [False, True], ids=["shorter stream", "no stream"])
def test_a_flush_repairs_a_stream_that_fell_behind_as_well(gone: bool, rig: Rig) -> None:
    rig.send(Put(shelf="a", what="old"))
    rig.flush()
    epoch = rig.redis.get(keys.EPOCH)
    ahead = f"{int(str(rig.position()).split('-')[0]) + 3_600_000}-5"
    if gone:
        rig.redis.delete(keys.journal(A))
    streams.settle(rig.redis, epoch.decode(), {A: ahead})
    assert rig.redis.xlen(keys.journal(A)) == 0
    assert rig.redis.xinfo_stream(keys.journal(A))["last-generated-id"].decode() == ahead


def test_settling_leaves_what_waits_and_does_nothing_in_another_life(rig: Rig) -> None:
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(4)])
    ids = [id.decode() for id, _ in rig.redis.xrange(keys.journal(A))]
    streams.settle(rig.redis, "another life", {A: ids[3]})
    assert rig.redis.xlen(keys.journal(A)) == 4
    streams.settle(rig.redis, rig.redis.get(keys.EPOCH).decode(), {A: ids[1]})
    assert [id.decode() for id, _ in rig.redis.xrange(keys.journal(A))] == ids[2:]
    assert rig.redis.xinfo_stream(keys.journal(A))["last-generated-id"].decode() == ids[3]


def test_a_clock_that_is_set_back_changes_no_order_and_loses_nothing(rig: Rig) -> None:
    for n, hours in enumerate((0, -2, 3, -1)):
        rig.clock.ahead = timedelta(hours=hours)
        rig.send(Put(shelf="a", what=f"n{n}"), PassOn(shelf="a", what=f"p{n}", to="a"), key=f"k{n}")
        rig.send(Put(shelf="a", what=f"n{n}"), key=f"n{n}")
        rig.drain()
    rig.clock.ahead = timedelta()
    sweep.sweep(rig.kernel)
    rig.drain()
    assert Counter(rig.names()) == {f"n{n}": 2 for n in range(4)}, "the second command of each pair had the key of the first"
    assert rig.is_quiet()


def test_a_broker_set_back_numbers_entries_after_its_newest(rig: Rig) -> None:
    """Redis itself never goes back within a stream."""
    rig.send(Put(shelf="a", what="first"))
    future = f"{int(str(rig.redis.xinfo_stream(keys.journal(A))['last-generated-id'].decode()).split('-')[0]) + 3_600_000}-0"
    fields = rig.redis.xrange(keys.journal(A))[0][1]
    rig.redis.delete(keys.journal(A))
    rig.redis.xadd(keys.journal(A), fields, id=future)
    rig.flush()
    rig.send(Put(shelf="a", what="second"))
    rig.flush()
    assert rig.names() == ["first", "second"]
    assert rig.position() == cursor_after(future)


def cursor_after(entry: str) -> str:
    return streams.next_id(entry)


def test_a_lost_cursor_is_noticed_before_anything_is_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.send(Put(shelf="a", what="x"))
    real = cursor.positions
    monkeypatch.setattr(cursor, "positions", lambda *arguments: real(*arguments) | {A: "5-5"})
    assert rig.flush()
    assert rig.names() == []
    monkeypatch.undo()
    assert (rig.group(), 0) in rig.rings, "somebody looks again"
    rig.drain()
    assert rig.names() == ["x"]
