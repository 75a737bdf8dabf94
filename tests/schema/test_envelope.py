"""How a command travels."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema import envelope as keys
from schema.base import COMMANDS, Actor
from schema.envelope import Envelope, decode, encode, receipt_id
from schema.ledger.commands import DiscardDeadLetter, ReplayDeadLetter, Retain
from tests.schema.moments import moments

words = st.text(st.characters(codec="utf-8"), max_size=40)
actors = st.builds(Actor, st.sampled_from(["anonymous", "user", "beacon", "system"]), words)
commands = st.one_of(
    st.builds(DiscardDeadLetter, dead_letter=words, reason=words),
    st.builds(ReplayDeadLetter, dead_letter=words),
    st.just(Retain()),
)
envelopes = st.builds(
    Envelope,
    id=words,
    command=commands,
    actor=actors,
    at=moments,
    origin=words,
    request_id=words,
    waited=st.booleans(),
    key=st.none() | words,
    order=st.none() | words,
)


@given(envelopes)
def test_an_envelope_arrives_as_it_was_sent(envelope: Envelope) -> None:
    assert decode(encode(envelope)) == envelope
    assert decode(encode(envelope).decode()) == envelope


@given(moments, st.integers(-14, 14))
def test_a_time_arrives_whatever_zone_it_was_told_in(at: datetime, hours: int) -> None:
    there = at.astimezone(timezone(timedelta(hours=hours)))
    assert decode(encode(Envelope("1", Retain(), Actor("user"), there))).at == at


def test_what_is_absent_costs_nothing() -> None:
    plain = Envelope("1", Retain(), Actor("system"), datetime(2026, 1, 2, tzinfo=UTC))
    assert orjson.loads(encode(plain)) == {"i": "1", "c": "ledger.retain", "p": {}, "a": "system:", "t": 1767312000000}
    full = replace(plain, origin="o", request_id="r", waited=True, key="k", order="u")
    assert set(orjson.loads(encode(full))) == {*"icpatorwku"}


def foreign() -> Iterator[object]:
    good = {"i": "1", "c": "ledger.discard", "p": {"dead_letter": "x"}, "a": "system:", "t": 0}
    yield from (b"", b"\0", b"{", b"[]", b"7", b"null", b'"text"', b"\xff")
    for name in good:
        yield orjson.dumps({key: value for key, value in good.items() if key != name})
    wrong = {
        "c": ["nobody.knows", 7, None],
        "p": [None, [], {"dead_letter": "x", "more": 1}, {}],
        "a": [7, None],
        "t": ["x", None, 10**17, -(10**17)],
    }
    for name, values in wrong.items():
        for value in values:
            yield orjson.dumps({**good, name: value})


@pytest.mark.parametrize("data", list(foreign()), ids=repr)
def test_a_foreign_form_is_told_in_the_three_words_that_the_kernel_listens_to(data: bytes) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode(data)


def envelope(**changes: object) -> Envelope:
    return replace(Envelope("e1", DiscardDeadLetter(dead_letter="d"), Actor("user", "u1"), datetime(2026, 1, 1, tzinfo=UTC)), **changes)


def test_who_repeats_with_the_envelopes_id_as_the_key_finds_the_same_receipt() -> None:
    assert envelope(waited=True).receipt == envelope(id="e2", key="e1").receipt == receipt_id(Actor("user", "u1"), "e1")


def test_a_key_names_the_receipt_and_without_key_and_waiter_there_is_none() -> None:
    assert envelope(key="k", waited=True).receipt == envelope(id="e2", key="k").receipt
    assert envelope(key="").receipt is not None, "an empty key is a key"
    assert envelope().receipt is None


@given(actors, actors, words, words)
def test_one_receipt_belongs_to_one_actor_and_one_key(one: Actor, other: Actor, key: str, other_key: str) -> None:
    same = (str(one), key) == (str(other), other_key)
    assert (receipt_id(one, key) == receipt_id(other, other_key)) == same or "\0" in str(one) + str(other) + key + other_key


@given(actors, words)
def test_a_receipt_id_is_40_hex_digits(actor: Actor, key: str) -> None:
    assert len(receipt_id(actor, key)) == 40
    assert set(receipt_id(actor, key)) <= set(string.hexdigits.lower())


def test_a_fingerprint_is_of_the_request_alone() -> None:
    first = envelope(key="k")
    assert first.fingerprint == envelope(id="e9", waited=True, request_id="r", actor=Actor("system")).fingerprint
    assert first.fingerprint != envelope(command=DiscardDeadLetter(dead_letter="d", reason="other")).fingerprint
    assert first.fingerprint != envelope(command=ReplayDeadLetter(dead_letter="d")).fingerprint
    assert len(first.fingerprint) == 32


def test_a_database_with_one_writer_is_one_group_and_elsewhere_each_lane_is() -> None:
    assert keys.flush_group("ledger", one_writer=True) == "@control"
    assert keys.flush_group("ledger", one_writer=False) == "ledger"
    with pytest.raises(KeyError):
        keys.flush_group("nobody/declared/this", one_writer=True)


def test_no_two_names_of_keys_meet() -> None:
    names = [keys.EPOCH, keys.LANES]
    names += [name("x") for name in (keys.journal, keys.bell, keys.lease, keys.running, keys.hold, keys.tries, keys.reply, keys.events)]
    assert len(set(names)) == len(names)
    assert all(name.startswith("uv:") for name in names)


def test_every_command_can_be_sent_from_its_class_alone() -> None:
    assert all(name == command.name and "." in name for name, command in COMMANDS.items())
