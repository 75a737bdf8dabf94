"""Patterns mean what they mean elsewhere, as far as they are taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.patterns import BadPattern, pattern_of

PARTS = ["a", "b", ".", "[ab]", "[^a]", r"\.", "a*", "b+", ".?", "[a-c]{1,2}", "b{2}", ".*", "c{0,1}", r"\d", r"\w+"]


@given(st.booleans(), st.lists(st.sampled_from(PARTS), min_size=1, max_size=6), st.booleans(), st.text(alphabet="abc.1", max_size=12))
def test_it_finds_what_a_regular_expression_finds(begins: bool, parts: list[str], ends: bool, text: str) -> None:
    pattern = "^" * begins + "".join(parts) + "$" * ends
    assert pattern_of(pattern).matches(text) == bool(re.search(pattern.replace("$", r"\Z"), text, re.DOTALL))


@pytest.mark.parametrize(
    "pattern", ["", "(a)", "a|b", r"\1", "(?=a)", "a**", "a*?", "[", "a{3,1}", "a{999}", "[z-a]", r"\b", "x" * 256, "a{200}b{200}"]
)
def test_what_is_more_than_that_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        pattern_of(pattern)


def test_a_text_that_would_make_others_try_for_ever_is_judged() -> None:
    assert not pattern_of("a*" * 60 + "b$").matches("a" * 2_000)
