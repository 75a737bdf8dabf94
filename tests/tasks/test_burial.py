"""A command that fails again and again holds its own lane for less than 30 s, and nobody else's at all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from schema import envelope as keys
from schema.base import Actor
from schema.envelope import encode
from schema.ledger.commands import DiscardDeadLetter, ReplayDeadLetter
from schema.outcome import Done, Outcome, Refused
from tasks import burial, journal
from tasks.burial import PAUSES, backoff
from tasks.unit import Unit
from tasks.worker import FLUSH_SECONDS
from tests.services.processes import Process
from tests.tasks.rig import A, Rig, with_verbs
from tests.tasks.shelf import Fail, Kill, Put, put


def try_until_buried(rig: Rig, lane: str = A) -> list[float]:
    """Flush as the doorbell would, and let the pauses pass. Returns the pauses in seconds."""
    pauses = []
    for _ in range(20):
        rig.drain()
        left = int(rig.redis.pttl(keys.hold(lane)))  # type: ignore[arg-type]  # the client is synchronous
        if left <= 0:
            return pauses
        pauses.append(left / 1000)
        rig.pass_time(1)
    raise AssertionError(f"still tried after pauses of {pauses}")


def dead(rig: Rig) -> list[tuple[object, ...]]:
    return rig.rows("SELECT lane, command, actor, error, tries FROM ledger_dead_letter ORDER BY id")


@given(st.integers(1, 50))
def test_pauses_grow_and_end(count: int) -> None:
    assert PAUSES[0] <= backoff(count) <= backoff(count + 1) <= PAUSES[-1]


def test_tries_and_pauses_together_stay_below_the_time_that_a_lane_may_be_held() -> None:
    worst = sum(PAUSES) + (1 + journal.TRIES) * FLUSH_SECONDS  # once with its batch, then alone
    assert len(PAUSES) == journal.TRIES - 1
    assert worst < 30


def test_a_defect_is_tried_five_times_with_growing_pauses_and_then_buried(rig: Rig) -> None:
    rig.send(Fail(shelf="a", what="bad"))
    pauses = try_until_buried(rig)
    assert len(pauses) == len(PAUSES)
    for waited, pause in zip(pauses, PAUSES, strict=True):
        assert pause - 0.15 < waited <= pause
    assert dead(rig) == [(A, "shelf.fail", "user:ada", "ZeroDivisionError: bad cannot be put", 5)]
    ((traceback, envelope),) = rig.rows("SELECT traceback, envelope FROM ledger_dead_letter")
    assert "in fail" in traceback
    assert "ZeroDivisionError: bad cannot be put" in traceback
    assert '"what":"bad"' in envelope
    assert rig.names() == [], "what it had done before it failed is undone each time"


def test_each_pause_ends_with_a_ring(rig: Rig) -> None:
    rig.send(Fail(shelf="a", what="bad"))
    rig.rings.clear()
    try_until_buried(rig)
    rung = [delay for group, delay in rig.rings if group == rig.group() and delay]
    assert rung == [pause + 0.05 for pause in PAUSES]


def test_neighbours_in_the_lane_keep_their_order_and_other_lanes_do_not_wait(rig: Rig) -> None:
    before, bad, after = rig.send(Put(shelf="a", what="before"), Fail(shelf="a", what="bad"), Put(shelf="a", what="after"), waited=True)
    (other,) = rig.send(Put(shelf="b", what="other"), waited=True)
    rig.drain()
    assert rig.answers([before, bad, after, other]) == [Done({"Count": 1}, 201), None, None, Done({"Count": 1}, 201)]
    (later,) = rig.send(Put(shelf="b", what="later"), waited=True)
    rig.drain()
    assert rig.answer(later) == Done({"Count": 1}, 201), "while the bad one's lane is held"
    try_until_buried(rig)
    assert rig.answer(after) == Done({"Count": 1}, 201)
    assert rig.names(A) == ["before", "after"]


def test_who_waits_is_told_and_may_ask_again(rig: Rig) -> None:
    (bad,) = rig.send(Fail(shelf="a", what="bad"), key="k", waited=True)
    try_until_buried(rig)
    answer = rig.answer(bad)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.status) == ("defect", 500)
    assert rig.rows("SELECT id FROM ledger_dead_letter") == [(answer.details["DeadLetter"],)]
    assert rig.count("ledger_receipt") == 0, "it is not settled: the same key may be tried again"


def test_several_bad_ones_are_buried_one_after_the_other(lite: Rig) -> None:
    lite.send(*[Fail(shelf="a", what=f"bad{n}") for n in range(3)], Put(shelf="a", what="good"))
    try_until_buried(lite)
    assert [error for _, _, _, error, _ in dead(lite)] == [f"ZeroDivisionError: bad{n} cannot be put" for n in range(3)]
    assert lite.names() == ["good"]


def test_nothing_is_left_of_it_in_the_broker_and_the_lane_goes_on_in_batches(
    rigs: Callable[..., Rig], statements: Callable[[sa.Engine], list[str]]
) -> None:
    rig = rigs()
    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(20)], Fail(shelf="a", what="bad"), *[Put(shelf="a", what=f"m{n}") for n in range(20)])
    try_until_buried(rig)
    assert Counter(rig.names()) == {f"{letter}{n}": 1 for n in range(20) for letter in "nm"}
    left = {key.decode().split(":")[1] for key in rig.redis.scan_iter("uv:*")}
    assert left <= {"epoch", "lanes", "journal", "events", "bell"}
    rig.send(*[Put(shelf="a", what="x")] * 20)
    seen = statements(rig.engine)
    rig.flush()
    assert len([text for text in seen if text.startswith("UPDATE ledger_cursor")]) == 1


def test_a_batch_that_fails_only_as_a_whole_is_carried_out_one_by_one(rig: Rig) -> None:
    """Such as one whose rows only together break a rule: nobody is blamed."""
    seen: list[int] = []

    def together(command: Put, unit: Unit) -> Outcome:
        unit.at_end(count)
        seen.append(1)
        return put(command, unit)

    def count(unit: Unit) -> None:
        number = len(seen)
        seen.clear()
        assert number < 2

    rig.send(*[Put(shelf="a", what=f"n{n}") for n in range(10)])
    with_verbs(rig, put=together).flush()
    assert rig.names() == [f"n{n}" for n in range(10)]
    assert rig.count("ledger_dead_letter") == 0


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\x00\xfe",
        b'{"i":"1","c":"nobody.knows","p":{},"a":"user:","t":0}',
        b'{"i":"1","c":"shelf.put","p":{"unknown":1},"a":"user:","t":0}',
        b'{"i":"1","c":"shelf.put","p":{"shelf":"a","what":"x"},"a":7,"t":0}',
        b'{"i":"1","c":"shelf.put","p":{"shelf":"a","what":"x"},"a":"user:","t":1e99}',
    ],
)
def test_an_entry_that_cannot_be_read_is_buried_too(payload: bytes, rig: Rig) -> None:
    rig.send(Put(shelf="a", what="before"))
    rig.redis.xadd(keys.journal(A), {"e": payload})
    rig.send(Put(shelf="a", what="after"))
    try_until_buried(rig)
    assert rig.names() == ["before", "after"]
    ((lane, command, _, _, tries),) = dead(rig)
    assert (lane, command, tries) == (A, "?", 5)


def test_a_foreign_entry_is_buried_too(lite: Rig) -> None:
    lite.send(Put(shelf="a", what="before"))
    lite.redis.xadd(keys.journal(A), {"other": "field"})
    lite.send(Put(shelf="a", what="after"))
    try_until_buried(lite)
    assert lite.names() == ["before", "after"]
    assert len(dead(lite)) == 1


@pytest.mark.parametrize("who", [Actor("user", "x" * 500), Actor("user", "nul \0 inside")], ids=["too long", "with NUL"])
def test_a_burial_takes_what_no_table_takes(who: Actor, rig: Rig) -> None:
    (bad,) = rig.send(Fail(shelf="a", what="bad\0" + "long" * 200), actor=who, waited=True)
    rig.send(Put(shelf="a", what="after"))
    try_until_buried(rig)
    assert isinstance(rig.answer(bad), Refused)
    ((_, _, actor, error, _),) = dead(rig)
    assert len(str(actor)) <= 160
    assert len(str(error)) <= 500
    assert rig.names() == ["after"]


def test_a_burial_that_fails_holds_its_lane_alone_until_it_can_be_done(lite: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no grave")

    monkeypatch.setattr(journal, "bury", fails)
    lite.send(Fail(shelf="a", what="bad"), Put(shelf="a", what="after"))
    lite.send(Put(shelf="b", what="other"))
    for _ in range(8):
        lite.drain()
        lite.pass_time()
    assert lite.names() == ["other"]
    monkeypatch.undo()
    try_until_buried(lite)
    assert sorted(lite.names()) == ["after", "other"]
    assert len(dead(lite)) == 1


def test_a_command_that_kills_its_process_each_time_is_buried(lite: Rig, launch: Callable[..., Process]) -> None:
    lite.send(Put(shelf="a", what="before"))
    (bad,) = lite.send(Kill(shelf="a", what="killer"), waited=True)
    lite.send(Put(shelf="a", what="after"))
    lite.send(Put(shelf="b", what="other"))
    kills = 0
    settings = lite.kernel.settings
    for _ in range(12):
        child = launch(sys.executable, "-m", "tests.tasks.child", settings.database_url, settings.redis_url)
        if child.wait() == 0:
            break
        kills += 1
        lite.pass_time()
    assert kills == journal.TRIES + 1, "once with its batch, then alone"
    ((_, command, _, error, tries),) = dead(lite)
    assert (command, error, tries) == ("shelf.kill", "RuntimeError: each try ended the process that made it", journal.TRIES)
    assert isinstance(lite.answer(bad), Refused)
    lite.recover()
    assert Counter(lite.names()) == {"before": 1, "after": 1, "other": 1}


def test_a_dead_letter_that_is_replayed_happens_once(rig: Rig) -> None:
    rig.send(Fail(shelf="a", what="x"))
    try_until_buried(rig)
    ((id,),) = rig.rows("SELECT id FROM ledger_dead_letter")
    mended = with_verbs(rig, fail=put)
    asked = mended.send(ReplayDeadLetter(dead_letter=id), waited=True)
    asked += mended.send(ReplayDeadLetter(dead_letter=id), waited=True)
    mended.drain()
    done, gone = mended.answers(asked)
    assert done == Done({"DeadLetter": id, "Command": "shelf.fail", "Lane": A})
    assert isinstance(gone, Refused)
    assert gone.code == "not_found"
    assert rig.names() == ["x"]
    assert rig.rows("SELECT command, subject, outcome, actor FROM ledger_audit") == [("ledger.replay", id, "replayed", "user:ada")]
    assert rig.is_quiet()


@pytest.mark.parametrize("keyed", [True, False], ids=["by its key", "by the id it was told"])
@pytest.mark.parametrize("first", ["caller", "replay"])
def test_a_replay_and_a_caller_who_repeats_are_one_change(first: str, keyed: bool, rig: Rig) -> None:
    (bad,) = rig.send(Fail(shelf="a", what="x"), key="k" if keyed else None, waited=True)
    try_until_buried(rig)
    ((id,),) = rig.rows("SELECT id FROM ledger_dead_letter")
    mended = with_verbs(rig, fail=put)
    steps = {
        "caller": lambda: mended.send(bad.command, key="k" if keyed else bad.id, waited=True),
        "replay": lambda: mended.send(ReplayDeadLetter(dead_letter=id)),
    }
    for step in sorted(steps, key=lambda name: name != first):
        steps[step]()
        mended.drain()
    mended.recover()
    assert rig.names() == ["x"]
    assert rig.count("ledger_order") == 0, "the order is forgotten, whoever carried it out"
    assert rig.count("ledger_dead_letter") == 0


def test_a_replay_that_fails_again_is_buried_again(lite: Rig) -> None:
    lite.send(Fail(shelf="a", what="x"), key="k")
    try_until_buried(lite)
    ((id,),) = lite.rows("SELECT id FROM ledger_dead_letter")
    lite.send(ReplayDeadLetter(dead_letter=id))
    lite.drain()
    try_until_buried(lite)
    ((other,),) = lite.rows("SELECT id FROM ledger_dead_letter")
    assert other != id
    assert lite.count("ledger_order") == 0, "a buried order is not sent again"


def test_a_dead_letter_of_another_release_is_kept(lite: Rig) -> None:
    lite.send(Put(shelf="a", what="x"))
    lite.redis.xadd(keys.journal(A), {"e": b'{"i":"1","c":"nobody.knows","p":{},"a":"user:","t":0}'})
    try_until_buried(lite)
    ((id,),) = lite.rows("SELECT id FROM ledger_dead_letter")
    (asked,) = lite.send(ReplayDeadLetter(dead_letter=id), waited=True)
    lite.drain()
    refused = lite.answer(asked)
    assert isinstance(refused, Refused)
    assert refused.code == "conflict"
    assert lite.count("ledger_dead_letter") == 1


def test_a_dead_letter_that_is_discarded_stays_in_the_audit(rig: Rig) -> None:
    rig.send(Fail(shelf="a", what="x"))
    try_until_buried(rig)
    ((id,),) = rig.rows("SELECT id FROM ledger_dead_letter")
    done, gone = rig.send(*[DiscardDeadLetter(dead_letter=id, reason="known")] * 2, waited=True)
    rig.drain()
    assert rig.answer(done) == Done({"DeadLetter": id})
    assert isinstance(rig.answer(gone), Refused)
    assert rig.count("ledger_dead_letter") == 0
    ((command, subject, details),) = rig.rows("SELECT command, subject, details FROM ledger_audit")
    assert (command, subject) == ("ledger.discard", id)
    assert "known" in str(details)
    assert "ZeroDivisionError" in str(details)


def test_a_try_that_is_taken_back_does_not_count(lite: Rig) -> None:
    (sent,) = lite.send(Put(shelf="a", what="x"))
    entry = (b"1-1", encode(sent))
    assert [burial.count_try(lite.redis, A, entry) for _ in range(2)] == [1, 2]
    burial.forget_try(lite.redis, A, entry)
    assert burial.count_try(lite.redis, A, entry) == 2
    assert 0 < int(lite.redis.ttl(keys.tries(A))) <= 3600  # type: ignore[arg-type]  # the client is synchronous


def test_an_envelope_is_what_it_was_when_it_rises(lite: Rig) -> None:
    (bad,) = lite.send(Fail(shelf="a", what="x"), key="k", actor=Actor("beacon", "b:1"), request_id="r")
    try_until_buried(lite)
    ((text,),) = lite.rows("SELECT envelope FROM ledger_dead_letter")
    assert text.encode() == encode(bad)
