"""The same key twice is one change, whenever and by whatever road the second one comes."""

from __future__ import annotations

from collections.abc import Callable

from schema import envelope as keys
from schema.base import Actor
from schema.envelope import decode, encode
from schema.outcome import Done, Refused
from tasks import cursor
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import Put, Refuse

KEY_REUSED = Refused("key_reused", "This Idempotency-Key was used for another request; use a new key for a new request.")


def test_twice_in_one_batch(rig: Rig) -> None:
    sent = rig.send(*[Put(shelf="a", what="x")] * 3, key="k", waited=True)
    rig.flush()
    assert rig.answers(sent) == [Done({"Count": 1}, 201)] * 3
    assert (rig.names(), rig.count("ledger_receipt"), len(rig.events())) == (["x"], 1, 1)


def test_twice_in_two_batches_of_one_flush(rigs: Callable[..., Rig]) -> None:
    rig = rigs(UV_BATCH="1")
    sent = rig.send(*[Put(shelf="a", what="x")] * 2, key="k", waited=True)
    rig.flush()
    assert rig.answers(sent) == [Done({"Count": 1}, 201)] * 2
    assert rig.names() == ["x"]


def test_twice_in_two_flushes(rig: Rig) -> None:
    for _ in range(2):
        (sent,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
        rig.flush()
        assert rig.answer(sent) == Done({"Count": 1}, 201)
    assert (rig.names(), rig.count("ledger_receipt")) == (["x"], 1)


def test_twice_with_a_flushed_broker_between(rig: Rig) -> None:
    for _ in range(2):
        (sent,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
        rig.flush()
        assert rig.answer(sent) == Done({"Count": 1}, 201)
        rig.redis.flushall()
    assert rig.names() == ["x"]
    assert rig.count("ledger_cursor") == 2, "each life of the broker has a cursor of its own"


def test_a_refusal_is_repeated_too(rig: Rig) -> None:
    first, second = rig.send(Refuse(shelf="a", what="x"), Refuse(shelf="a", what="x"), key="k", waited=True)
    rig.flush()
    assert rig.answer(first) == rig.answer(second) == Refused("conflict", "The shelf is full.", {"Name": "x"})


def test_another_request_under_the_same_key_is_refused_and_the_first_stays(rig: Rig) -> None:
    first, other = rig.send(Put(shelf="a", what="x"), Put(shelf="a", what="y"), key="k", waited=True)
    rig.flush()
    (later,) = rig.send(Refuse(shelf="a", what="x"), key="k", waited=True)
    rig.flush()
    assert rig.answers([first, other, later]) == [Done({"Count": 1}, 201), KEY_REUSED, KEY_REUSED]
    assert rig.names() == ["x"]
    (repeated,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
    rig.flush()
    assert rig.answer(repeated) == Done({"Count": 1}, 201)


def test_a_key_belongs_to_its_actor(rig: Rig) -> None:
    for actor in (Actor("user", "ada"), Actor("user", "bob"), Actor("beacon", "ada")):
        rig.send(Put(shelf="a", what="x"), key="k", actor=actor)
    rig.flush()
    assert rig.names() == ["x"] * 3


def test_one_key_on_two_lanes_is_one_change(rig: Rig) -> None:
    (first,) = rig.send(Put(shelf="a", what="x"), key="k", waited=True)
    (second,) = rig.send(Put(shelf="b", what="x"), key="k", waited=True)
    rig.drain()
    outcomes = rig.answers([first, second])
    assert sorted(map(str, outcomes)) == sorted(map(str, [Done({"Count": 1}, 201), KEY_REUSED]))
    assert rig.names() == ["x"]


def test_who_got_no_answer_repeats_with_the_envelopes_id_as_the_key(rig: Rig) -> None:
    (lost,) = rig.send(Put(shelf="a", what="x"), waited=True)
    rig.flush()
    (again,) = rig.send(Put(shelf="a", what="x"), key=lost.id, waited=True)
    rig.flush()
    assert rig.answer(again) == Done({"Count": 1}, 201)
    assert rig.names() == ["x"]


def test_a_journal_replayed_from_zero_changes_nothing(rig: Rig) -> None:
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(3)], *[Put(shelf="a", what=f"k{n}") for n in range(3)])
    for n in range(3):
        rig.send(Put(shelf="a", what=f"keyed{n}"), key=f"key{n}", waited=True)
    stream = rig.redis.xrange(keys.journal(A))
    rig.flush()
    before = (rig.names(), rig.position())
    # The very same stream once more, ids and all, as a broker restored from an older copy has it.
    rig.redis.delete(keys.journal(A))
    for id, fields in stream:
        rig.redis.xadd(keys.journal(A), fields, id=id)
    rig.flush()
    assert (rig.names(), rig.position()) == before
    assert rig.redis.xlen(keys.journal(A)) == 0


def test_keyed_payloads_appended_again_change_nothing(rig: Rig) -> None:
    for n in range(5):
        rig.send(Put(shelf="a", what=f"n{n}"), key=f"k{n}", waited=True)
    old = [fields[b"e"] for _, fields in rig.redis.xrange(keys.journal(A))]
    rig.flush()
    for payload in old:
        assert encode(decode(payload)) == payload
        rig.append([decode(payload)])
    rig.flush()
    assert rig.names() == [f"n{n}" for n in range(5)]
    assert rig.count("ledger_receipt") == 5
    assert rig.position() != cursor.START
