"""Flush: one batch, one transaction, each command once."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from schema import envelope as keys
from schema.outcome import Done, Outcome, Refused
from tasks.unit import Unit
from tests.tasks.rig import ADA, A, Rig, with_verbs
from tests.tasks.shelf import PassOn, Put, Refuse, Sum, put


def test_commands_are_carried_out_in_the_order_of_their_lane(rig: Rig) -> None:
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(50)])
    rig.send(*[Sum(shelf="a", what="s", value=n) for n in range(1, 11)])
    assert rig.flush()
    assert rig.names(A) == [f"n{n}" for n in range(50)] + ["s"] * 10
    assert rig.rows("SELECT sum FROM shelf_total") == [(55,)]
    assert rig.is_quiet()


def test_a_batch_is_one_transaction_and_a_lane_may_need_several(rigs: Callable[..., Rig], statements: Callable[..., list[str]]) -> None:
    rig = rigs(UV_BATCH="4")
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(10)])
    seen = statements(rig.engine)
    rig.flush()
    assert rig.count("shelf_thing") == 10
    assert len([text for text in seen if text.startswith("UPDATE ledger_cursor")]) == 3


def test_a_verb_sees_what_earlier_verbs_of_its_batch_have_done(rig: Rig) -> None:
    sent = rig.send(*[Put(shelf="a", what="same")] * 3, waited=True)
    rig.flush()
    assert rig.answers(sent) == [Done({"Count": n}, 201) for n in (1, 2, 3)]


def test_a_refusal_is_an_outcome_and_stores_its_receipt_alone(rig: Rig) -> None:
    (sent,) = rig.send(Refuse(shelf="a", what="x"), waited=True, key="k")
    rig.flush()
    assert rig.answer(sent) == Refused("conflict", "The shelf is full.", {"Name": "x"})
    stored = {table: rig.count(table) for table in ("shelf_thing", "ledger_receipt", "ledger_outbox", "ledger_order", "ledger_dead_letter")}
    assert stored == {"shelf_thing": 0, "ledger_receipt": 1, "ledger_outbox": 0, "ledger_order": 0, "ledger_dead_letter": 0}
    assert rig.events() == []


def test_a_refusal_takes_nothing_away_from_its_neighbours(rig: Rig) -> None:
    sent = rig.send(Put(shelf="a", what="1"), Refuse(shelf="a", what="2"), Put(shelf="a", what="3"), waited=True)
    rig.flush()
    assert [type(answer) for answer in rig.answers(sent)] == [Done, Refused, Done]
    assert rig.names() == ["1", "3"]


def test_the_receipt_tells_all_about_a_waited_command(rig: Rig) -> None:
    (sent,) = rig.send(Put(shelf="a", what="x"), waited=True)
    rig.flush()
    ((id, envelope_id, command, fingerprint, actor, outcome),) = rig.rows(
        "SELECT id, envelope_id, command, fingerprint, actor, outcome FROM ledger_receipt"
    )
    assert (id, envelope_id, command, fingerprint, actor) == (sent.receipt, sent.id, "shelf.put", sent.fingerprint, str(ADA))
    assert outcome == '[201,{"Count":1}]'


def test_nobody_asks_so_nothing_is_kept(rig: Rig) -> None:
    (sent,) = rig.send(Put(shelf="a", what="x"))
    rig.flush()
    assert rig.count("ledger_receipt") == 0
    assert rig.answer(sent) is None


def test_lanes_of_all_shelves_are_carried_out(rig: Rig) -> None:
    for shelf in "abc":
        rig.send(Put(shelf=shelf, what=shelf))
    rig.drain()
    assert sorted(rig.names()) == ["a", "b", "c"]


def test_the_stream_is_trimmed_up_to_the_cursor(rig: Rig) -> None:
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(5)])
    rig.flush()
    info = rig.redis.xinfo_stream(keys.journal(A))
    assert info["length"] == 0
    assert info["last-generated-id"].decode() == rig.position()


def test_a_flush_leaves_nothing_but_the_cursor_in_the_broker(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="1"), PassOn(shelf="a", what="2", to="a"), Refuse(shelf="a", what="3"))
    rig.drain()
    left = {key.decode() for key in rig.redis.scan_iter("uv:*")}
    # The bell may still stand for the order that the unit sent to its own lane.
    assert left - {keys.bell(rig.group())} == {keys.EPOCH, keys.LANES, keys.journal(A), keys.events("shelf")}


def test_a_unit_takes_no_further_command_when_its_time_is_over(rigs: Callable[..., Rig], statements: Callable[..., list[str]]) -> None:
    def slow(command: Put, unit: Unit) -> Outcome:
        until = monotonic() + 0.002
        while monotonic() < until:
            pass
        return put(command, unit)

    rig = with_verbs(rigs(UV_UNIT_MS="1"), put=slow)
    rig.send(*[Put(shelf="a", what="x")] * 5)
    seen = statements(rig.engine)
    rig.flush()
    assert rig.count("shelf_thing") == 5
    assert len([text for text in seen if text.startswith("UPDATE ledger_cursor")]) == 5, "each command had a unit of its own"
