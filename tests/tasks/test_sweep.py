"""The safety net under every doorbell."""

from __future__ import annotations

import pytest

from schema import envelope as keys
from schema.outcome import Done
from tasks import journal, streams
from tasks.sweep import sweep
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import PassOn, Put


def test_a_lane_whose_ring_was_lost_is_rung_for(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.send(Put(shelf="b", what="y"))
    rig.rings.clear()
    groups = sorted({rig.group(A), rig.group("shelf/b")})
    assert sweep(rig.kernel) == groups
    assert rig.rings == [(group, 0) for group in groups]


def test_a_lane_that_is_being_flushed_is_left_alone(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.rings.clear()
    rig.redis.set(keys.lease(rig.group()), "somebody")
    assert sweep(rig.kernel) == []
    rig.redis.delete(keys.lease(rig.group()))
    assert sweep(rig.kernel) == [rig.group()]


def test_when_all_is_well_a_sweep_changes_nothing(rig: Rig) -> None:
    assert sweep(rig.kernel) == []
    rig.send(Put(shelf="a", what="x"), PassOn(shelf="a", what="y", to="b"))
    rig.drain()
    rig.rings.clear()
    before = (rig.names(), rig.position(), rig.redis.dbsize(), len(rig.events()))
    rig.pass_time()
    assert sweep(rig.kernel) == []
    assert (rig.names(), rig.position(), rig.redis.dbsize(), len(rig.events())) == before
    assert rig.rings == []


def test_entries_that_are_applied_but_not_trimmed_do_not_wait(rig: Rig) -> None:
    """What a flush leaves that died between its commit and the trim."""
    rig.send(Put(shelf="a", what="x"))
    (entry,) = rig.redis.xrange(keys.journal(A))
    rig.flush()
    rig.redis.delete(keys.journal(A))
    rig.redis.xadd(keys.journal(A), entry[1], id=entry[0])
    assert sweep(rig.kernel) == []
    assert rig.redis.xlen(keys.journal(A)) == 0
    assert rig.names() == ["x"]


def test_a_lane_of_another_release_is_left_to_it_and_keeps_nobody_waiting(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.redis.sadd(keys.LANES, "of/another/release")
    rig.redis.xadd(keys.journal("of/another/release"), {"e": "?"})
    assert sweep(rig.kernel) == [rig.group()]
    rig.drain()
    (sent,) = rig.send(Put(shelf="a", what="y"), waited=True)
    rig.drain()
    assert rig.answer(sent) == Done({"Count": 1}, 201)
    assert rig.redis.xlen(keys.journal("of/another/release")) == 1


def test_an_empty_broker_has_nothing_for_a_flush(rig: Rig) -> None:
    assert rig.flush()
    assert rig.count("ledger_cursor") == 0
    assert rig.redis.dbsize() == 0


def test_lanes_are_grouped_by_their_writer(lite: Rig) -> None:
    names = [b"shelf/a", b"shelf/b", b"ledger", b"nobody/knows"]
    assert streams.groups(names, one_writer=True) == {"@control": ["ledger", "shelf/a", "shelf/b"]}
    assert streams.groups(names, one_writer=False) == {"ledger": ["ledger"], "shelf/a": ["shelf/a"], "shelf/b": ["shelf/b"]}


def test_a_flush_hands_over_after_its_life_and_rings_for_the_rest(lite: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LIFE_SECONDS", 0.0)
    lite.send(Put(shelf="a", what="x"))
    lite.rings.clear()
    lite.flush()
    assert lite.names() == []
    assert lite.rings == [(lite.group(), 0)]
