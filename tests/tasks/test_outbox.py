"""What leaves after a commit leaves at least once, and says who it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schema import envelope as keys
from schema.outcome import Done, Outcome
from schema.sql import to_wire
from tasks import journal, outbox, sweep
from tasks.unit import Unit
from tests.tasks.rig import Rig, with_verbs
from tests.tasks.shelf import Put, put, thing

PUT = [Put(shelf="a", what=f"n{n}") for n in range(3)]


def test_events_are_sent_in_their_order_with_the_time_of_their_commit(rig: Rig) -> None:
    rig.send(*PUT)
    rig.flush()
    events = rig.events()
    assert [event["Payload"]["Name"] for event in events] == ["n0", "n1", "n2"]
    assert {event["Topic"] for event in events} == {"shelf.put"}
    assert {event["EmittedAt"] for event in events} <= {row_time(rig) for _ in events}


def row_time(rig: Rig) -> str:
    with rig.engine.connect() as connection:
        return str(to_wire(connection.execute(thing.select()).first().at))  # type: ignore[union-attr]  # there is one


def test_an_outbox_row_is_gone_when_its_events_are_sent(rig: Rig) -> None:
    rig.send(*PUT)
    rig.flush()
    assert rig.count("ledger_outbox") == 0


@pytest.mark.parametrize("sent", [False, True], ids=["not at all", "but not forgotten"])
def test_events_of_a_flush_that_died_are_sent_again_under_the_same_ids(rig: Rig, sent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    monkeypatch.setattr(journal.Flush, "_tidy" if sent else "_after", die)
    rig.send(*PUT)
    with pytest.raises(Died):
        rig.flush()
    monkeypatch.undo()
    before = rig.events()
    assert len(before) == (3 if sent else 0)
    assert outbox.send_again(rig.kernel) == 0, "too young: the flush may still be at it"
    rig.clock.ahead += timedelta(seconds=10)
    assert outbox.send_again(rig.kernel) == 1
    assert outbox.send_again(rig.kernel) == 0
    after = rig.events()
    assert [event["Payload"]["Name"] for event in after] == ["n0", "n1", "n2"] * (2 if sent else 1)
    assert len({event["EventGUID"] for event in after}) == 3
    if sent:
        assert before == after[3:], "told in the very same words"


def test_a_sweep_sends_a_page_at_a_time_and_in_the_end_all(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PAGE", 2)
    monkeypatch.setattr(journal.Flush, "_after", lambda self, lane, applied, single=False: self.positions.update({lane: applied.last}))
    for number in range(5):
        rig.send(Put(shelf="a", what=f"n{number}"))
        rig.flush()
    rig.clock.ahead += timedelta(seconds=10)
    assert [outbox.send_again(rig.kernel) for _ in range(4)] == [2, 2, 1, 0]
    assert [event["Payload"]["Name"] for event in rig.events()] == [f"n{n}" for n in range(5)]


def test_a_stream_of_events_is_bounded(lite: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "EVENTS_KEPT", 100)
    lite.send(*[Put(shelf="a", what="x")] * 1_000)
    lite.flush()
    assert 100 <= len(lite.events()) < 300
    assert lite.events()[-1]["Payload"] == {"Name": "x"}


def test_an_answer_waits_for_a_while_for_the_one_who_waits(lite: Rig) -> None:
    (sent,) = lite.send(Put(shelf="a", what="x"), waited=True)
    lite.flush()
    assert 0 < lite.redis.ttl(keys.reply(sent.id)) <= keys.REPLY_SECONDS
    assert lite.answer(sent) == Done({"Count": 1}, 201)


def test_deliveries_leave_after_the_commit_and_only_then(rig: Rig) -> None:
    def deliver(command: Put, unit: Unit) -> Outcome:
        unit.deliver("uv:inbox:test", command.what.encode())
        assert rig.redis.llen("uv:inbox:test") == 0
        return put(command, unit)

    rig.send(*PUT)
    with_verbs(rig, put=deliver).flush()
    assert rig.redis.lrange("uv:inbox:test", 0, -1) == [b"n0", b"n1", b"n2"]


def test_an_append_rings_where_nobody_has(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.send(Put(shelf="a", what="y"))
    assert rig.rings == [(rig.group(), 0)]
    rig.flush()
    rig.send(Put(shelf="a", what="z"))
    assert rig.rings == [(rig.group(), 0)] * 2


def test_what_the_clock_wants_is_a_command_like_any_other(rig: Rig) -> None:
    sweep.ask(rig.kernel, Put(shelf="a", what="x"), Put(shelf="b", what="y"))
    rig.drain()
    assert sorted(rig.names()) == ["x", "y"]
