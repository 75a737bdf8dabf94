"""The kernel's words."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.base import ANONYMOUS, COMMANDS, LANES, SYSTEM, Actor, Command, LaneKind, command, kind_of, lane_kind
from schema.ledger.commands import LEDGER, DiscardDeadLetter, Retain

parts = st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=10)


@given(parts, st.text(max_size=10))
def test_an_actor_is_its_text(kind: str, id: str) -> None:
    assert Actor.parse(str(Actor(kind, id))) == Actor(kind, id)


def test_the_two_actors_without_a_name() -> None:
    assert (str(ANONYMOUS), str(SYSTEM)) == ("anonymous:", "system:")


def test_a_lane_is_found_by_its_prefix() -> None:
    assert kind_of("ledger") is kind_of("ledger/any/part") is LEDGER
    assert LaneKind("runs").of("hub", 3) == "runs/hub/3"
    with pytest.raises(KeyError):
        kind_of("nobody")


def test_a_lane_kind_is_at_once_and_in_the_control_database_unless_it_says_otherwise() -> None:
    assert (LEDGER.database, LEDGER.queue, LEDGER.timed) == ("control", "flush", None)
    try:
        kind = lane_kind("declared_here", database="other", queue="slow", timed=2.5)
        assert (kind_of("declared_here/x"), kind.timed) == (kind, 2.5)
    finally:
        del LANES["declared_here"]


def test_a_command_is_frozen_by_name_only_and_tells_its_fields() -> None:
    discard = DiscardDeadLetter(dead_letter="d", reason="r")
    assert discard.payload() == {"dead_letter": "d", "reason": "r"}
    assert (Retain().payload(), Retain().lane) == ({}, "ledger")
    with pytest.raises(dataclasses.FrozenInstanceError):
        discard.reason = "other"
    with pytest.raises(TypeError):
        DiscardDeadLetter("d")


def test_a_name_is_given_once() -> None:
    with pytest.raises(TypeError, match=r"two commands are called ledger\.retain"):
        command("ledger.retain")(type("Again", (Command,), {}))
    assert COMMANDS["ledger.retain"] is Retain


def test_a_command_without_a_lane_says_so() -> None:
    with pytest.raises(TypeError, match="names no lane"):
        _ = Command().lane


@pytest.mark.parametrize("field", ["name", "lane", "payload"])
def test_a_field_cannot_hide_what_every_command_has(field: str) -> None:
    with pytest.raises(TypeError, match=f"cannot have a field called {field}"):
        command("test.hidden")(type("Hidden", (Command,), {"__annotations__": {field: "str"}}))
    assert "test.hidden" not in COMMANDS
