"""Uploads become content whole or not at all, and content stays as long as somebody refers to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from schema.content.commands import CHUNK_BYTES, DropUpload, SweepContent
from schema.outcome import Done, Refused
from tasks.content import sweep
from tasks.content.holding import hold, let_go
from tasks.unit import Unit
from tests.tasks.content.conftest import Store

DATA = Random(1).randbytes(2 * CHUNK_BYTES + 17)
LATER = timedelta(hours=sweep.UNUSED_HOURS, minutes=1)


def refer(store: Store, digest: str, by: int = 1, size: int | None = None) -> bool:
    """What another domain's verb does."""
    with store.rig.engine.begin() as connection:
        unit = Unit(connection, "content/0", store.rig.clock(), lambda: "id")
        if by < 0:
            let_go(unit, {digest: -by})
            return True
        return hold(unit, digest, size)


def test_what_was_brought_in_chunks_lies_in_sql_byte_by_byte(store: Store) -> None:
    digest = store.whole("u", DATA)
    assert store.bytes_of(digest) == DATA
    assert store.rig.rows("SELECT digest, size, chunk_bytes, refs FROM content_blob") == [(digest, len(DATA), CHUNK_BYTES, 0)]
    assert store.counts() == (1, 1, 3)


def test_half_an_upload_is_no_content(store: Store) -> None:
    store.do(store.chunk("u", 0, DATA[:CHUNK_BYTES]), store.chunk("u", 1, DATA[CHUNK_BYTES : 2 * CHUNK_BYTES]))
    (outcome,) = store.do(store.seal("u", DATA))
    assert isinstance(outcome, Refused)
    assert outcome.code == "conflict"
    assert store.counts() == (0, 1, 2)


def test_chunks_and_seals_may_be_repeated(store: Store) -> None:
    digest = store.bring("u", DATA)
    store.do(store.chunk("u", 1, b"something else"), store.chunk("u", 0, DATA[:CHUNK_BYTES]))
    for _ in range(2):
        assert all(isinstance(outcome, Done) for outcome in store.do(store.seal("u", DATA)))
    assert store.bytes_of(digest) == DATA
    store.do(store.chunk("u", 2, DATA[2 * CHUNK_BYTES :]))
    assert store.counts() == (1, 1, 3)


def test_the_same_content_twice_is_stored_once_and_the_second_upload_goes(store: Store) -> None:
    digest = store.whole("u", DATA)
    assert store.whole("v", DATA) == digest
    assert store.counts() == (1, 2, 6)
    store.do(SweepContent())
    assert store.counts() == (1, 1, 3)
    assert store.bytes_of(digest) == DATA


def test_two_uploads_of_one_content_at_once_end_as_one(store: Store) -> None:
    digest = store.bring("u", DATA)
    store.bring("v", DATA)
    assert all(isinstance(outcome, Done) for outcome in store.do(store.seal("u", DATA), store.seal("v", DATA)))
    assert store.rig.count("content_blob") == 1
    assert store.bytes_of(digest) == DATA


def test_an_upload_that_was_given_up_is_gone_and_cannot_go_on(store: Store) -> None:
    store.bring("u", DATA)
    store.do(DropUpload(upload="u"))
    assert store.counts() == (0, 0, 0)
    (late, sealed) = store.do(store.chunk("u", 3, b"x"), store.seal("u", DATA))
    assert (late.code, sealed.code) == ("not_found", "conflict")  # type: ignore[union-attr]  # both are refusals
    assert store.counts() == (0, 0, 0)


def test_whole_content_cannot_be_given_up(store: Store) -> None:
    digest = store.whole("u", DATA)
    store.do(DropUpload(upload="u"), SweepContent())
    assert store.bytes_of(digest) == DATA


def test_content_that_is_referred_to_stays_and_the_rest_goes_after_a_while(store: Store) -> None:
    kept, gone = store.whole("u", DATA), store.whole("v", b"nobody wants this")
    assert refer(store, kept)
    store.rig.clock.ahead = LATER - timedelta(minutes=2)
    store.do(SweepContent())
    assert store.counts()[0] == 2
    store.rig.clock.ahead = LATER
    store.do(SweepContent())
    assert store.rig.rows("SELECT digest, refs FROM content_blob") == [(kept, 1)]
    assert store.counts() == (1, 1, 3)
    assert not refer(store, gone)
    refer(store, kept, -1)
    store.rig.clock.ahead = 2 * LATER
    store.do(SweepContent())
    assert store.counts() == (0, 0, 0)


def test_content_of_another_size_than_said_is_not_referred_to(store: Store) -> None:
    digest = store.whole("u", DATA)
    assert not refer(store, digest, size=len(DATA) + 1)
    assert refer(store, digest, size=len(DATA))


def test_bringing_content_again_keeps_it_for_another_while(store: Store) -> None:
    digest = store.whole("u", DATA)
    store.rig.clock.ahead = LATER - timedelta(minutes=2)
    store.whole("v", DATA)
    store.rig.clock.ahead = LATER
    store.do(SweepContent())
    assert store.bytes_of(digest) == DATA


def test_an_upload_that_nobody_finished_goes_after_a_day(store: Store) -> None:
    store.bring("u", DATA)
    store.rig.clock.ahead = timedelta(hours=sweep.OPEN_HOURS, minutes=-1)
    store.do(SweepContent())
    assert store.counts() == (0, 1, 3)
    store.rig.clock.ahead = timedelta(hours=sweep.OPEN_HOURS, minutes=1)
    store.do(SweepContent())
    assert store.counts() == (0, 0, 0)


def test_a_page_at_a_time_until_all_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "CHUNKS", 4)
    monkeypatch.setattr(sweep, "PAGE", 2)
    for n in range(5):
        store.bring(f"u{n}", DATA)
    store.rig.clock.ahead = LATER
    (first,) = store.do(SweepContent())
    assert isinstance(first, Done)
    assert first.value == {"Blobs": 0, "Uploads": 2, "Chunks": 4}
    assert store.counts() == (0, 0, 0)
    assert store.rig.is_quiet()


def test_a_chunk_costs_three_statements_whatever_is_stored_already(store: Store, statements: Callable[[sa.Engine], list[str]]) -> None:
    store.bring("u", DATA)
    seen = statements(store.rig.engine)
    store.do(store.chunk("u", 3, b"more"))
    mine = [statement for statement in seen if "content_" in statement]
    assert len(mine) == 3, mine
