"""A flush is killed at each named place in turn. Whatever it was doing is done once in the end, and whoever waits can learn it."""

from __future__ import annotations

import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schema import envelope as keys
from schema.envelope import Envelope
from tasks import crash
from tests.services.processes import Process
from tests.tasks.conftest import prepare
from tests.tasks.rig import A, Rig, rig_on
from tests.tasks.shelf import PassOn, Put, Refuse, Sum

#: Places that a flush of one group visits once however many batches it has.
LAST = ("outbox_tidied", "lease_released")


@pytest.fixture
def heavy(postgresql_url: str, redis_url: str) -> Iterator[Rig]:
    """A worker on PostgreSQL."""
    prepare(postgresql_url)
    with rig_on(postgresql_url, redis_url) as made:
        yield made


def kill_at(rig: Rig, place: str, launch: Callable[..., Process]) -> None:
    """Flush in a process of its own and see it die."""
    settings = rig.kernel.settings
    command = (sys.executable, "-m", "tests.tasks.child", settings.database_url, settings.redis_url)
    child = launch(*command, env={"UV_TEST_CRASH_AT": place})
    assert child.wait() == -signal.SIGKILL, child.output
    assert "done" not in child.output


def fill(rig: Rig) -> list[Envelope]:
    """One batch with everything in it. Returns what is waited for or has a key."""
    asked = rig.send(*[Put(shelf="a", what=f"waited{n}") for n in range(3)], waited=True)
    for n in range(3):
        asked += rig.send(Put(shelf="a", what=f"keyed{n}"), key=f"key{n}", waited=n == 0)
    asked += rig.send(Refuse(shelf="a", what="refused"), waited=True)
    rig.send(*[Put(shelf="a", what=f"plain{n}") for n in range(3)], Sum(shelf="a", what="sum", value=7))
    rig.send(PassOn(shelf="a", what="passed0", to="b"), PassOn(shelf="a", what="passed1", to="a"))
    return asked


THINGS = (
    {f"{kind}{n}": 1 for kind in ("waited", "keyed", "plain") for n in range(3)}
    | {"sum": 1}
    | {f"passed{n}{more}": 1 for n in range(2) for more in ("", ", ordered")}
)
ANNOUNCED = set(THINGS) - {"sum"}


def audit(rig: Rig, asked: list[Envelope]) -> None:
    """What SQL says, and what the broker was told."""
    assert Counter(rig.names()) == THINGS, "each command has happened exactly once"
    assert rig.rows("SELECT sum FROM shelf_total") == [(7,)]
    receipts = dict(rig.rows("SELECT id, envelope_id FROM ledger_receipt"))
    assert receipts == {envelope.receipt: envelope.id for envelope in asked}
    guids: dict[str, set[str]] = {}
    for event in rig.events():
        guids.setdefault(event["Payload"]["Name"], set()).add(event["EventGUID"])
    assert set(guids) == ANNOUNCED, "each event has been sent"
    assert {len(ids) for ids in guids.values()} == {1}, "and under one id, however often"
    for lane in (A, "shelf/b"):
        info = rig.redis.xinfo_stream(keys.journal(lane))
        assert (info["length"], info["last-generated-id"].decode()) == (0, rig.position(lane))
    empty = ("ledger_outbox", "ledger_order", "ledger_dead_letter")
    assert [rig.count(table) for table in empty] == [0, 0, 0]


def prove(rig: Rig, place: str, launch: Callable[..., Process]) -> None:
    asked = fill(rig)
    kill_at(rig, place, launch)
    rig.recover()
    audit(rig, asked)


@pytest.mark.parametrize("place", [*crash.POINTS, *(f"{place}:2" for place in crash.POINTS if place not in LAST)])
def test_a_flush_killed_at_any_place_on_sqlite(place: str, lite: Rig, launch: Callable[..., Process]) -> None:
    prove(lite, place, launch)


@pytest.mark.parametrize("place", crash.POINTS)
def test_a_flush_killed_at_any_place_on_postgresql(place: str, heavy: Rig, launch: Callable[..., Process]) -> None:
    prove(heavy, place, launch)


def test_who_waits_is_answered_by_the_next_flush_when_nothing_was_committed(lite: Rig, launch: Callable[..., Process]) -> None:
    asked = fill(lite)
    kill_at(lite, "cursor_moved", launch)
    assert lite.names() == []
    assert lite.answers(asked[:3]) == [None] * 3
    lite.recover()
    assert None not in lite.answers(asked[:3])


def test_who_waits_repeats_and_gets_the_stored_outcome_when_it_was_committed(lite: Rig, launch: Callable[..., Process]) -> None:
    asked = fill(lite)
    kill_at(lite, "committed", launch)
    assert len(lite.names()) == len(THINGS) - 2, "all but what was ordered"
    assert lite.answers(asked[:3]) == [None] * 3
    lite.recover()
    assert lite.answers(asked[:3]) == [None] * 3, "nobody knows any more whom to answer"
    again = [lite.send(envelope.command, key=envelope.id, waited=True)[0] for envelope in asked[:3]]
    lite.drain()
    assert None not in lite.answers(again)
    audit(lite, asked)


def test_the_list_of_places_is_complete() -> None:
    code = "".join(path.read_text() for path in Path(crash.__file__).parent.rglob("*.py"))
    assert sorted(re.findall(r'crash_point\("(\w+)"\)', code)) == sorted(crash.POINTS + crash.POINTS_ABROAD + crash.POINTS_MIRROR)
