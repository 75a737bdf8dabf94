"""An item's health is its worst dimension, and a normal first attempt is healthy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.health import FORMULAS, Signs, health_of, scores_of
from schema.hub.rules.lifecycle import FINAL, HELD, QUEUED, STATUSES

counts = st.integers(0, 10**9)
maybe = st.none() | counts
signs = st.builds(Signs, st.sampled_from(STATUSES), counts, counts, counts, counts, maybe, maybe, maybe, maybe, st.booleans())


@pytest.mark.parametrize(
    ("given", "value", "label", "reason"),
    [
        (Signs("Running", 1, 1, running_ms=10_000, silent_ms=100, heartbeat_ms=1_000, timeout_ms=300_000), 0.95, "Healthy", "event_freshness"),
        (Signs("Running", 1, 1, running_ms=10_000), 1.0, "Healthy", "nominal"),
        (Signs("Running", 2, 2, running_ms=10_000), 0.5, "Uncertain", "retry_burn"),
        (Signs("Running", 4, 3, running_ms=10_000), 0.0, "Unhealthy", "retry_burn"),
        (Signs("Running", 1, 1, running_ms=90, timeout_ms=100, reported=True), 0.1, "Unhealthy", "timeout_proximity"),
        (Signs("Stalled", 1, 1, running_ms=9_000, timeout_ms=0, heartbeat_ms=1_000, silent_ms=5_000), 0.0, "Unhealthy", "event_freshness"),
        (Signs("Running", 1, 1, running_ms=1_999), None, "Unknown", "insufficient_signal"),
        (Signs("Running", 1, 1, running_ms=1_999, reported=True), 1.0, "Healthy", "nominal"),
        (Signs("Pending", 0, 1, waited_ms=10), None, "Unknown", "insufficient_signal"),
        (Signs("RetryScheduled", 1, 2, waited_ms=10), None, "Unknown", "insufficient_signal"),
        (Signs("RetryScheduled", 2, 3, waited_ms=10), 0.6667, "Healthy", "retry_burn"),
        (Signs("Pending", 0, 1, waited_ms=150, expected_wait_ms=100), 0.5, "Uncertain", "queue_wait"),
        (Signs("Pending", 0, 1, waited_ms=10**6, expected_wait_ms=100), 0.0, "Unhealthy", "queue_wait"),
        (Signs("Complete", 1, 1), 1.0, "Healthy", "nominal"),
        (Signs("Error", 3, 3), 0.3333, "Uncertain", "retry_burn"),
    ],
)
def test_health(given: Signs, value: float | None, label: str, reason: str) -> None:
    assert health_of(given) == (value, label, reason)


@given(signs)
def test_health_is_a_share_or_unknown(given: Signs) -> None:
    health = health_of(given)
    assert (health.value is None) == (health.label == "Unknown") == (health.reason == "insufficient_signal")
    if health.value is not None:
        worst = min(score for _, score in scores_of(given))
        assert health.value == max(0, round(worst, 4))
        assert health.reason == ("nominal" if worst >= 1 else health.reason)


@given(signs)
def test_each_dimension_has_its_formula_and_its_numbers(given: Signs) -> None:
    for name, _ in scores_of(given):
        assert all(getattr(given, sign) is not None for sign in FORMULAS[name][1].values())


@given(signs, st.integers(0, 10**6))
def test_more_silence_is_never_healthier(given: Signs, more: int) -> None:
    if given.silent_ms is not None and (before := health_of(given).value) is not None:
        later = health_of(given._replace(silent_ms=given.silent_ms + more)).value
        assert later is not None
        assert later <= before


def test_every_state_is_one_of_three_kinds() -> None:
    assert {*FINAL, *HELD, *QUEUED} == set(STATUSES)
