"""Who flushes a group: a courtesy that saves work, and a doorbell that is never lost with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schema import envelope as keys
from tasks import lease as leases
from tasks import streams
from tasks.failures import LostLease
from tasks.lease import LEASE_MS, Lease
from tests.tasks.rig import A, Rig, with_verbs
from tests.tasks.shelf import Fail, Put, put


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock by which leases are renewed, in the test's hands."""
    now = [100.0]
    monkeypatch.setattr(leases, "monotonic", lambda: now[0])
    return now


def test_one_holder_at_a_time(lite: Rig) -> None:
    one, other = Lease(lite.redis, "g", "one"), Lease(lite.redis, "g", "other")
    assert one.take()
    assert not other.take()
    other.leave()
    assert not other.take(), "who does not hold it cannot let it go"
    one.leave()
    assert other.take()


def test_a_lease_ends_by_itself(lite: Rig) -> None:
    one, other = Lease(lite.redis, "g", "one"), Lease(lite.redis, "g", "other")
    one.take()
    assert 0 < int(lite.redis.pttl(keys.lease("g"))) <= LEASE_MS  # type: ignore[arg-type]  # the client is synchronous
    lite.redis.pexpire(keys.lease("g"), 0)
    assert other.take()


def test_a_lease_is_renewed_at_a_quarter_of_its_time_and_keeps_the_bell_rung(lite: Rig, time: list[float]) -> None:
    lease = Lease(lite.redis, "g", "one")
    lease.take()
    lite.redis.pexpire(keys.lease("g"), 500)
    lease.renew()
    assert int(lite.redis.pttl(keys.lease("g"))) <= 500  # type: ignore[arg-type]  # the client is synchronous
    assert not lite.redis.exists(keys.bell("g"))
    time[0] += LEASE_MS / 4_000
    lease.renew()
    assert int(lite.redis.pttl(keys.lease("g"))) > 500  # type: ignore[arg-type]  # the client is synchronous
    assert lite.redis.exists(keys.bell("g"))


@pytest.mark.parametrize("other", [None, "other"], ids=["ended", "taken by another"])
def test_a_holder_notices_that_it_no_longer_is(other: str | None, lite: Rig, time: list[float]) -> None:
    lease = Lease(lite.redis, "g", "one")
    lease.take()
    lite.redis.delete(keys.lease("g"))
    if other:
        lite.redis.set(keys.lease("g"), other)
    time[0] += 1
    with pytest.raises(LostLease):
        lease.renew()
    lease.leave()
    assert lite.redis.get(keys.lease("g")) == (other.encode() if other else None)


def test_a_holder_that_was_slow_keeps_what_nobody_has_taken(lite: Rig, time: list[float]) -> None:
    lease = Lease(lite.redis, "g", "one")
    lease.take()
    lite.redis.delete(keys.lease("g"))
    time[0] += 1
    lease.keep()
    assert lite.redis.get(keys.lease("g")) == b"one"
    lite.redis.set(keys.lease("g"), "other")
    time[0] += 1
    with pytest.raises(LostLease):
        lease.keep()


def test_leaving_takes_the_bell_along_so_that_the_next_append_rings(lite: Rig) -> None:
    lite.send(Put(shelf="a", what="x"))
    assert lite.redis.exists(keys.bell(lite.group()))
    lite.flush()
    assert not lite.redis.exists(keys.bell(lite.group()))
    assert not lite.redis.exists(keys.lease(lite.group()))


def test_a_flush_that_finds_another_at_it_does_nothing(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.redis.set(keys.lease(rig.group()), "another")
    assert not rig.flush()
    assert rig.names() == []
    assert rig.redis.get(keys.lease(rig.group())) == b"another"


def test_a_flush_whose_lease_was_taken_stops_and_what_it_did_is_done_once(rigs: Callable[..., Rig], time: list[float]) -> None:
    def steal(command: Put, unit: object) -> object:
        rig.redis.set(keys.lease(rig.group()), "another")
        time[0] += 1
        return put(command, unit)  # type: ignore[arg-type]  # it is a unit

    rig = rigs(UV_BATCH="1")
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(3)])
    with pytest.raises(LostLease):
        with_verbs(rig, put=steal).flush()  # type: ignore[arg-type]  # a verb in all but its words
    assert rig.names() == ["n0"]
    assert rig.redis.get(keys.lease(rig.group())) == b"another"
    rig.recover()
    assert rig.names() == ["n0", "n1", "n2"]


@pytest.mark.parametrize("shelf", ["a", "new"], ids=["known lane", "new lane"])
def test_an_append_in_the_moment_of_leaving_is_not_left_to_the_sweep(shelf: str, lite: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the bell rung and does not ring; so the one who leaves must look once more, at lanes it has never seen as well."""
    leave = Lease.leave

    def append_first(lease: Lease) -> None:
        lite.send(Put(shelf=shelf, what="late"))
        assert lite.rings == []
        leave(lease)

    lite.send(Put(shelf="a", what="x"))
    lite.rings.clear()
    monkeypatch.setattr(Lease, "leave", append_first)
    lite.flush()
    monkeypatch.undo()
    assert lite.rings == [(lite.group(), 0)]
    lite.flush()
    assert lite.names() == ["x", "late"]


def test_who_leaves_rings_for_nobody_who_is_held(lite: Rig) -> None:
    lite.send(Fail(shelf="a", what="bad"))
    lite.rings.clear()
    lite.flush()
    assert [delay > 0 for _, delay in lite.rings] == [True], "only the ring at the end of the pause"


def test_a_pause_that_ends_during_a_flush_is_noticed_by_it(lite: Rig) -> None:
    """The ring at its end finds the lease taken and comes to nothing, so nobody else would."""
    lite.send(Fail(shelf="a", what="bad"), Put(shelf="a", what="after"))
    lite.flush()
    assert streams.held(lite.redis, [A])
    lite.redis.pexpire(keys.hold(A), 30)
    mended = with_verbs(lite, fail=put)
    waits = iter(range(1_000))

    def busy(command: Put, unit: object) -> object:
        """Another lane keeps the flush alive until the pause is over, and a moment longer."""
        lite.redis.blpop("nobody", 0.02)
        if next(waits) < 4:
            lite.send(Put(shelf="b", what="busy"))
        return put(command, unit)  # type: ignore[arg-type]  # it is a unit

    lite.send(Put(shelf="b", what="busy"))
    with_verbs(mended, put=busy).flush()  # type: ignore[arg-type]  # a verb in all but its words
    assert lite.names(A) == ["bad", "after"]


def test_an_idle_flush_lingers_for_the_next_command(lite: Rig) -> None:
    lite.send(Put(shelf="a", what="x"))
    position = {A: "0-0"}
    assert streams.wait_for_entries(lite.redis, position, 1)
    lite.flush()
    assert not streams.wait_for_entries(lite.redis, {A: str(lite.position())}, 1)
    assert not streams.wait_for_entries(lite.redis, {}, 1)
