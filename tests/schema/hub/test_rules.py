"""Tables of the small rules: life cycle, reports, retries, presence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.lifecycle import BUCKET_NAMES, BUCKETS, FINAL, STATUSES, TRANSITIONS, next_status
from schema.hub.rules.presence import Contact, judge_presence, presence_ms
from schema.hub.rules.retry import LONGEST_MS, LOSSES, given_up, retry_pause_ms
from schema.hub.rules.settle import Named, Verdict, settle

HAPPENINGS = ("dispatched", "completed", "retried", "failed", "lost", "due", "canceled")
ALLOWED = {
    ("Pending", "dispatched"): "Running",
    ("Pending", "canceled"): "Canceled",
    ("Running", "completed"): "Complete",
    ("Running", "retried"): "RetryScheduled",
    ("Running", "failed"): "Error",
    ("Running", "lost"): "Pending",
    ("Running", "canceled"): "Canceled",
    ("RetryScheduled", "due"): "Pending",
    ("RetryScheduled", "canceled"): "Canceled",
}


@pytest.mark.parametrize(("status", "happening"), list(itertools.product(STATUSES, HAPPENINGS)))
def test_the_whole_table_of_states_and_happenings(status: str, happening: str) -> None:
    if (status, happening) in ALLOWED:
        assert next_status(status, happening) == ALLOWED[status, happening]
    else:
        with pytest.raises(KeyError):
            next_status(status, happening)


def test_terminal_is_terminal() -> None:
    assert {status for status, _ in TRANSITIONS} & FINAL == set()
    assert set(STATUSES) == FINAL | {status for status, _ in TRANSITIONS}


def test_every_state_has_a_column_on_the_board() -> None:
    assert set(BUCKETS) == set(STATUSES)
    assert set(BUCKETS.values()) <= set(BUCKET_NAMES)


RUNNING = Named("bcn-a", "Running", True, "Running")
DONE = Named("bcn-a", "Complete", True, "Complete")
FAILED = Named("bcn-a", "Error", True, "RetryScheduled")
FAILED_BEFORE = Named("bcn-a", "Error", False, "Running")
LOST = Named("bcn-a", "Lost", True, "Pending")
LATE = Named("bcn-a", "Timeout", True, "Error")


@pytest.mark.parametrize(
    ("attempt", "beacon", "kind", "verdict"),
    [
        (RUNNING, "bcn-a", "Complete", Verdict.ACCEPTED),
        (RUNNING, None, "Error", Verdict.ACCEPTED),
        (RUNNING, "bcn-a", "", Verdict.ACCEPTED),
        (RUNNING, "bcn-b", "Complete", Verdict.FOREIGN),
        (None, "bcn-a", "Complete", Verdict.FOREIGN),
        (DONE, "bcn-a", "Complete", Verdict.DUPLICATE),
        (DONE, "bcn-a", "Error", Verdict.ALREADY_FINAL),
        (DONE, "bcn-a", "", Verdict.ALREADY_FINAL),
        (DONE, "bcn-b", "Complete", Verdict.FOREIGN),
        (FAILED, "bcn-a", "Error", Verdict.DUPLICATE),
        (FAILED, "bcn-a", "Complete", Verdict.SUPERSEDED),
        (FAILED_BEFORE, "bcn-a", "Error", Verdict.DUPLICATE),
        (FAILED_BEFORE, None, "Complete", Verdict.SUPERSEDED),
        (LOST, "bcn-a", "Complete", Verdict.SUPERSEDED),
        (LATE, "bcn-a", "Complete", Verdict.ALREADY_FINAL),
    ],
)
def test_what_a_report_means(attempt: Named | None, beacon: str | None, kind: str, verdict: Verdict) -> None:
    assert settle(attempt, beacon, kind) is verdict


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10**7), st.floats(0, 1))
def test_pauses_stay_within_their_bounds(failures: int, tries: int, backoff: int, jitter: float) -> None:
    pause = retry_pause_ms(failures, tries, backoff, jitter)
    assert (pause is None) == (failures >= tries)
    if pause is not None:
        assert min(backoff * 0.75 - 1, LONGEST_MS * 0.75 - 1) <= pause <= LONGEST_MS


@given(st.integers(1, 20), st.integers(1, 10_000))
def test_pauses_grow(failures: int, backoff: int) -> None:
    first, second = (retry_pause_ms(n, 99, backoff, 0.0) for n in (failures, failures + 1))
    assert first is not None
    assert second is not None
    assert first <= second


def test_an_item_that_takes_down_its_beacons_is_given_up() -> None:
    assert [given_up(n) for n in range(LOSSES + 2)] == [False] * LOSSES + [True, True]


@pytest.mark.parametrize(
    ("status", "last", "since", "verdict"),
    [
        ("Online", 95_000, 0, "same"),
        ("Online", 89_000, 0, "lost"),
        ("Online", None, 0, "lost"),
        ("Online", None, 95_000, "same"),
        ("Online", 10, 95_000, "same"),
        ("Offline", 95_000, 0, "back"),
        ("Offline", 89_000, 0, "same"),
        ("Offline", None, 99_999, "same"),
    ],
)
def test_presence(status: str, last: int | None, since: int, verdict: str) -> None:
    """Silence counts only while somebody listened."""
    assert judge_presence(Contact(status, last, since, 10_000), 100_000) == verdict


def test_a_beacon_may_miss_three_contacts() -> None:
    assert presence_ms(3_000) == 10_000
    assert presence_ms(None) == 90_000
