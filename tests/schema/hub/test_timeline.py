"""Buckets are aligned to the epoch, moments are read as people write them, and forecasts fill slots in waves."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules import forecast, health, timeline

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
moments = st.integers(0, 4_000_000_000_000).map(lambda stamp: datetime.fromtimestamp(stamp / 1000, UTC))


@pytest.mark.parametrize("module", [forecast, health, timeline])
def test_the_examples_are_true(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted


@pytest.mark.parametrize(
    ("text", "away"),
    [("now", 0), ("now-5m", -300), ("now+30s", 30), ("now 30s", 30), ("now-2h", -7_200), ("now-1d", -86_400), ("2025-01-02T03:04:00Z", -5)],
)
def test_moments(text: str, away: int) -> None:
    assert timeline.moment_of(text, NOW) == NOW + timedelta(seconds=away)


@pytest.mark.parametrize("text", ["", "never", "now-5", "now-5w", "now*5m", "2025-13-01", "now-999999999d", "now--5m"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        timeline.moment_of(text, NOW)


@pytest.mark.parametrize("text", ["", "5", "0s", "-5s", "5d", "s"])
def test_what_is_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no bucket"):
        timeline.bucket_seconds(text, 10)


@given(moments, st.sampled_from([1, 5, 60, 300, 3_600]))
def test_a_bucket_holds_its_moment_and_begins_at_a_multiple_of_its_length(moment: datetime, seconds: int) -> None:
    begins = timeline.aligned(moment, seconds)
    assert begins <= moment < begins + timedelta(seconds=seconds)
    assert begins.timestamp() % seconds == 0


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["Failed", "Enqueued", "Stalled"]))))
def test_buckets_lose_nothing_and_anomalies_are_those_above_the_threshold(events: list[tuple[int, str]]) -> None:
    records = [{"At": NOW + timedelta(seconds=at), "EventType": kind, "Capability": "Shell", "Status": "Error"} for at, kind in events]
    buckets = timeline.buckets_of(records, 60)
    assert sum(bucket["Count"] for bucket in buckets) == len(events)
    assert [bucket["At"] for bucket in buckets] == sorted({timeline.aligned(record["At"], 60) for record in records})
    for row in timeline.anomalies_of(buckets):
        assert row["Observed"] >= row["Baseline"] == timeline.THRESHOLDS[row["EventType"]]
        assert 1 <= row["Score"] <= 4


@given(st.integers(0, 50), st.integers(0, 10), st.integers(1, 10), st.lists(st.integers(0, 10_000)))
def test_nobody_is_forecast_before_those_ahead(place: int, free: int, slots: int, durations: list[int]) -> None:
    free = min(free, slots)
    here, behind = forecast.forecast(place, free, slots, durations), forecast.forecast(place + 1, free, slots, durations)
    assert here is not None
    assert behind is not None
    assert 0 <= here.in_ms <= behind.in_ms
    assert 0 <= here.confidence <= 1
    assert place >= free or here.in_ms == 0


def test_without_slots_there_is_no_forecast() -> None:
    assert forecast.forecast(0, 0, 0, [1, 2, 3]) is None
