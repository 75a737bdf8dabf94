"""Which addresses may be tried, and what a try still says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.probing import GOOD_FOR, MOST_TARGETS, UNDER_WAY, Target, allowed, outcome, standing, targets_of, under_way

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["IP", "Port", "Protocol", "x"]), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "host", "address", "admitted"),
    [
        ("", "10.0.0.1", "10.0.0.1", False),
        ("10.0.0.0/8", "10.0.0.1", "10.0.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", "11.0.0.1", False),
        ("10.0.0.0/8", "box", "10.1.2.3", True),
        ("10.0.0.0/8", "box", "169.254.169.254", False),
        ("10.0.0.0/8", "mapped", "::ffff:10.0.0.1", True),
        ("fd00::/8", "box", "fd00::1", True),
        ("fe80::/10", "box", "fe80::1%eth0", True),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7", True),
        ("Box.example, 10.0.0.0/8", "box.EXAMPLE", "203.0.113.9", True),
        ("box.example", "evil.box.example", "203.0.113.9", False),
        ("0.0.0.0/0", "box", "fd00::1", False),
    ],
)
def test_only_what_the_operator_names_is_called(text: str, host: str, address: str, admitted: bool) -> None:
    assert allowed(text).admits(host, address) is admitted


@pytest.mark.parametrize("text", ["10.0.0.0/99", "a/b", "10.0.0.0/8,::/200"])
def test_a_network_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no IP network"):
        allowed(text)


@pytest.mark.parametrize(
    ("announced", "url"),
    [
        ({"IP": "10.0.0.1", "Port": 80}, "http://10.0.0.1:80/"),
        ({"IP": "10.0.0.1", "Port": 443, "Protocol": "HTTPS"}, "https://10.0.0.1:443/"),
        ({"IP": "[::1]", "Port": 80, "Protocol": ""}, "http://[::1]:80/"),
        ({"IP": "10.0.0.1", "Port": "80"}, None),
        ({"IP": "10.0.0.1", "Port": True}, None),
        ({"IP": "10.0.0.1", "Port": 0}, None),
        ({"IP": "10.0.0.1", "Port": 65_536}, None),
        ({"IP": "user@10.0.0.1", "Port": 80}, None),
        ({"IP": "10.0.0.1/x", "Port": 80}, None),
        ({"IP": "10.0.0.1\r\nX: y", "Port": 80}, None),
        ({"IP": "", "Port": 80}, None),
        ({"IP": 7, "Port": 80}, None),
        ({"IP": "10.0.0.1", "Port": 80, "Protocol": "file"}, None),
        ("10.0.0.1:80", None),
        (None, None),
    ],
)
def test_what_a_beacon_announces(announced: Any, url: str | None) -> None:
    assert [target.url for target in targets_of([announced])] == ([] if url is None else [url])


@given(st.lists(ANYTHING, max_size=9))
def test_no_announcement_is_too_strange(announced: list[Any]) -> None:
    found = targets_of(announced)
    assert len(found) <= MOST_TARGETS
    assert all(0 < target.port < 65_536 for target in found)


@pytest.mark.parametrize(
    ("listens", "status", "age", "said"),
    [
        (False, "reachable", timedelta(0), "no-listener"),
        (True, None, None, "untested"),
        (True, "reachable", timedelta(0), "reachable"),
        (True, "unreachable", GOOD_FOR, "unreachable"),
        (True, "reachable", GOOD_FOR + timedelta(milliseconds=1), "untested"),
        (True, "refused", timedelta(0), "untested"),
    ],
)
def test_what_the_last_try_says(listens: bool, status: str | None, age: timedelta | None, said: str) -> None:
    row = {"status": status, "probed_at": None if age is None else NOW - age, "asked_at": NOW}
    assert standing(listens, row, NOW) == said
    assert standing(listens, None, NOW) == ("untested" if listens else "no-listener")


def test_a_request_is_under_way_until_it_is_answered_or_lost() -> None:
    asked = {"asked_at": NOW, "probed_at": None}
    assert under_way(asked, NOW)
    assert under_way({**asked, "probed_at": NOW - timedelta(hours=1)}, NOW)
    assert not under_way({**asked, "probed_at": NOW}, NOW)
    assert not under_way(asked, NOW + UNDER_WAY)
    assert not under_way(None, NOW)


def test_one_address_that_answers_is_enough() -> None:
    one, two = Target("http", "a", 1), Target("http", "b", 2)
    assert outcome([(one, "refused", "no"), (two, "reachable", "yes")]) == ("reachable", two, "yes")
    assert outcome([(one, "refused", "no"), (two, "unreachable", "gone")]) == ("unreachable", two, "gone")
    assert outcome([(one, "refused", "no")]) == ("refused", one, "no")
    assert outcome([])[0] == "unreachable"
