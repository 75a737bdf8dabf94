"""What comes back."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import CODES, BadSettings, NotReady, Overloaded, UltravisorError, Unavailable
from schema.outcome import Done, Outcome, Refused, decode, encode

texts = st.text(st.characters(codec="utf-8"), max_size=30)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
values = st.dictionaries(texts, trees, max_size=4)
outcomes = st.builds(Done, values, st.integers(200, 299)) | st.builds(Refused, st.sampled_from(sorted(CODES)), texts, values)


@given(outcomes)
def test_an_outcome_arrives_as_it_was_sent(outcome: Outcome) -> None:
    assert decode(encode(outcome)) == outcome


@given(outcomes)
def test_the_status_can_be_read_without_knowing_our_classes(outcome: Outcome) -> None:
    assert orjson.loads(encode(outcome))[0] == outcome.status


@pytest.mark.parametrize("code", CODES)
def test_each_refusal_has_the_status_of_its_code(code: str) -> None:
    status, text = CODES[code]
    assert Refused(code, "").status == status
    assert 400 <= status <= 599
    assert text.endswith(".")


def test_a_code_nobody_declared_cannot_leave() -> None:
    with pytest.raises(KeyError):
        encode(Refused("no_such_code", ""))


@pytest.mark.parametrize("error", [UltravisorError, BadSettings, Unavailable, Overloaded, NotReady])
def test_an_error_of_ours_speaks_by_its_docstring_and_has_a_code(error: type[UltravisorError]) -> None:
    assert error().text == str(error.__doc__)
    assert error.code in CODES
    raised = error("Because.", missing=["a"])
    assert (raised.text, str(raised), raised.evidence) == ("Because.", "Because.", {"missing": ["a"]})
