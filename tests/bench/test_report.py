"""The table, the page and the numbers in them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import report
from bench.figures import Row, at_least, at_most, percentile, plain

ROWS = [at_least("rate", 1_000, 999, "/s"), at_most("time", 3, 2.5, "ms"), plain("other", "7 MB"), Row("a|b", ">= 0.9", "x", 0.95, True)]


def test_a_goal_is_held_or_not() -> None:
    assert [row.held for row in ROWS] == [False, True, None, True]
    assert (at_least("r", 10, 10, "").held, at_most("r", 10, 10, "").held) == (True, True)


SECTION = report.Section("hub", "The hub", "- **rate**: by counting.")


def test_a_section_is_a_table_that_no_cell_breaks() -> None:
    page = report.with_section("", SECTION, {"cores": "2"}, ROWS)
    assert page.startswith("# Figures")
    assert "| cores | 2 |" in page
    assert "| rate | >= 1,000 /s | 999 /s |  | NO |" in page
    assert "| a/b | >= 0.9 | x | 0.95 | yes |" in page


def test_a_section_replaces_itself_and_keeps_its_neighbours() -> None:
    other = report.Section("kernel", "The kernel", "- by looking")
    page = report.with_section(report.with_section("", other, {}, [plain("kept", "1")]), SECTION, {}, [plain("first", "2")])
    again = report.with_section(page, SECTION, {}, [plain("second", r"3 \1")])
    assert "| kept |" in again
    assert "| second |  | 3 \\1 |" in again
    assert "first" not in again
    assert again.count("# Figures") == 1
    assert report.with_section(again, other, {}, []).index("## The kernel") < again.index("## The hub")


def test_the_json_has_every_row() -> None:
    told = orjson.loads(report.as_json({"cores": "2"}, ROWS))
    assert [row["what"] for row in told["rows"]] == [row.what for row in ROWS]


@given(st.lists(st.integers(), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_a_sample_that_its_share_does_not_exceed(samples: list[int], share: float) -> None:
    found = percentile(samples, share)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= share * len(samples)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentiles_of_a_hundred(share: float, expected: int) -> None:
    assert percentile(range(1, 101), share) == expected
