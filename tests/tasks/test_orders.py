"""What one lane orders from another is done once, and not lost with the broker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from schema import envelope as keys
from schema.envelope import decode
from schema.outcome import Done
from tasks import outbox, sweep
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import PassOn, Put

B = "shelf/b"


def order(rig: Rig, count: int = 1) -> None:
    """Order things from lane b, and leave them in its journal."""
    rig.send(*[PassOn(shelf="a", what=f"o{n}", to="b") for n in range(count)])
    rig.kernel.redis.set(keys.hold(B), "1", px=60_000)
    rig.flush()
    rig.redis.delete(keys.hold(B))
    assert rig.count("ledger_order") == rig.redis.xlen(keys.journal(B)) == count


def test_an_order_is_carried_out_once_and_forgotten(rig: Rig) -> None:
    rig.send(PassOn(shelf="a", what="x", to="b"))
    rig.drain()
    assert rig.names("shelf/b") == ["x, ordered"]
    assert rig.count("ledger_order") == 0


def test_an_order_to_the_own_lane_comes_after_the_batch(rig: Rig) -> None:
    rig.send(PassOn(shelf="a", what="x", to="a"), Put(shelf="a", what="y"))
    rig.drain()
    assert rig.names(A) == ["x", "y", "x, ordered"]


def test_an_order_rings_for_its_lane(rig: Rig) -> None:
    rig.redis.delete(keys.bell(rig.group(B)))
    rig.send(PassOn(shelf="a", what="x", to="b"))
    rig.rings.clear()
    rig.redis.delete(keys.bell(rig.group(B)))
    rig.flush()
    assert (rig.group(B), 0) in rig.rings or rig.names(B), "its lane was rung for, or served by the same flush"


def test_an_order_that_was_sent_twice_is_carried_out_once(rig: Rig) -> None:
    order(rig)
    ((_, fields),) = rig.redis.xrange(keys.journal(B))
    rig.append([decode(fields[b"e"])] * 2)
    rig.drain()
    rig.append([decode(fields[b"e"])])
    rig.drain()
    assert rig.names(B) == ["o0, ordered"]
    assert rig.is_quiet()


def test_an_order_lost_with_the_broker_is_sent_again(rig: Rig) -> None:
    order(rig, 3)
    rig.redis.flushall()
    sweep.sweep(rig.kernel)
    assert rig.redis.xlen(keys.journal(B)) == 0, "too young: the flush that made it may still be at it"
    rig.pass_time()
    sweep.sweep(rig.kernel)
    assert (rig.group(B), 0) in rig.rings
    rig.drain()
    assert rig.names(B) == [f"o{n}, ordered" for n in range(3)]
    assert rig.is_quiet()


def test_sweeping_again_and_again_sends_nothing_twice_while_the_order_waits(rig: Rig) -> None:
    order(rig)
    for _ in range(3):
        rig.clock.ahead += timedelta(seconds=10)
        assert outbox.send_again(rig.kernel) == 0
    assert rig.redis.xlen(keys.journal(B)) == 1
    rig.drain()
    assert rig.names(B) == ["o0, ordered"]


def test_an_order_lost_from_a_lane_that_is_never_idle_is_sent_again_too(rig: Rig) -> None:
    order(rig)
    rig.redis.delete(keys.journal(B))
    rig.send(Put(shelf="b", what="busy"))
    rig.clock.ahead += outbox.STALE + timedelta(seconds=1)
    assert outbox.send_again(rig.kernel) == 1
    assert outbox.send_again(rig.kernel) == 0, "once in a while is enough"
    rig.drain()
    assert sorted(rig.names(B)) == ["busy", "o0, ordered"]
    assert rig.is_quiet()


def test_orders_of_a_lane_that_is_stuck_do_not_keep_those_of_others_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PAGE", 2)
    order(rig, 4)
    rig.redis.set(keys.hold(B), "1", px=60_000)
    rig.send(PassOn(shelf="a", what="other", to="c"))
    rig.kernel.redis.set(keys.hold("shelf/c"), "1", px=60_000)
    rig.flush()
    rig.redis.delete(keys.journal("shelf/c"), keys.hold("shelf/c"))
    rig.clock.ahead += timedelta(seconds=10)
    assert outbox.send_again(rig.kernel) == 1
    rig.drain()
    assert rig.names("shelf/c") == ["other, ordered"]


def test_what_a_clock_in_the_future_has_stamped_is_sent_after_it_was_set_back(rig: Rig) -> None:
    rig.clock.ahead = timedelta(hours=1)
    order(rig)
    rig.redis.flushall()
    rig.clock.ahead = timedelta()
    assert outbox.send_again(rig.kernel) == 1
    rig.drain()
    assert rig.names(B) == ["o0, ordered"]


def test_an_order_for_a_lane_of_another_release_is_left_to_that_release(rig: Rig) -> None:
    order(rig)
    rig.redis.flushall()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_order SET lane = 'of/another/release'")
    rig.pass_time()
    assert outbox.send_again(rig.kernel) == 0
    assert rig.count("ledger_order") == 1
    (sent,) = rig.send(Put(shelf="a", what="mine"), waited=True)
    rig.drain()
    assert rig.answer(sent) == Done({"Count": 1}, 201)


def test_an_order_whose_key_was_settled_by_another_road_is_forgotten(rig: Rig) -> None:
    order(rig)
    ((_, fields),) = rig.redis.xrange(keys.journal(B))
    ordered = decode(fields[b"e"])
    rig.redis.delete(keys.journal(B))
    # A dead letter that is replayed has a key; its caller may have repeated it meanwhile.
    keyed = replace(ordered, key="k")
    rig.append([replace(ordered, key="k", order=None), keyed])
    rig.drain()
    assert rig.names(B) == ["o0, ordered"]
    assert rig.count("ledger_order") == 0
