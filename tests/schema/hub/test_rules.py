"""Tables of the small rules: life cycle, reports, retries, presence."""

from __future__ import annotations

import itertools
import re

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.admission import Fleet, Limits, judge_depth, judge_fleet
from schema.hub.rules.canceling import Wish, judge_cancel
from schema.hub.rules.defaults import HARD, Defaults, defaults_of
from schema.hub.rules.lifecycle import BUCKET_NAMES, BUCKETS, FINAL, HELD, QUEUED, STATUSES, TRANSITIONS, next_status
from schema.hub.rules.presence import Contact, judge_presence, presence_ms
from schema.hub.rules.retry import LONGEST_MS, LOSSES, given_up, retry_pause_ms
from schema.hub.rules.settle import Named, Verdict, settle
from schema.hub.tables import work_item

HAPPENINGS = ("dispatched", "completed", "retried", "failed", "lost", "due", "canceled", "stalled", "unstalled", "requeued")
#: Written out by hand: the rule's own table must not be its proof.
ALLOWED = {
    ("Delayed", "due"): "Pending",
    ("Delayed", "canceled"): "Canceled",
    ("Pending", "dispatched"): "Running",
    ("Pending", "canceled"): "Canceled",
    ("Running", "completed"): "Complete",
    ("Running", "retried"): "RetryScheduled",
    ("Running", "failed"): "Error",
    ("Running", "lost"): "Pending",
    ("Running", "stalled"): "Stalled",
    ("Running", "canceled"): "Canceled",
    ("Stalled", "completed"): "Complete",
    ("Stalled", "retried"): "RetryScheduled",
    ("Stalled", "failed"): "Error",
    ("Stalled", "lost"): "Pending",
    ("Stalled", "unstalled"): "Running",
    ("Stalled", "canceled"): "Canceled",
    ("RetryScheduled", "due"): "Pending",
    ("RetryScheduled", "canceled"): "Canceled",
    ("Error", "requeued"): "Pending",
    ("Canceled", "requeued"): "Pending",
}


@pytest.mark.parametrize(("status", "happening"), list(itertools.product(STATUSES, HAPPENINGS)))
def test_the_whole_table_of_states_and_happenings(status: str, happening: str) -> None:
    if (status, happening) in ALLOWED:
        assert next_status(status, happening) == ALLOWED[status, happening]
    else:
        with pytest.raises(KeyError):
            next_status(status, happening)


def test_terminal_is_terminal() -> None:
    """No happening of its own accord leads out of an end; only somebody who queues it again does."""
    assert {(status, happening) for status, happening in TRANSITIONS if status in FINAL} == {("Error", "requeued"), ("Canceled", "requeued")}
    assert set(STATUSES) == FINAL | set(HELD) | set(QUEUED)
    assert set(HAPPENINGS) == {happening for _, happening in TRANSITIONS}


def test_the_database_allows_the_states_of_the_rule_and_no_other() -> None:
    checks = {str(check.name): str(check.sqltext) for check in work_item.constraints if isinstance(check, sa.CheckConstraint)}
    states = {name: set(re.findall(r"'(\w+)'", text)) for name, text in checks.items()}
    assert states["ck_hub_work_item_status"] == set(STATUSES)
    assert states["ck_hub_work_item_held_has_holder"] == set(HELD)
    assert states["ck_hub_work_item_ended_has_time"] | states["ck_hub_work_item_canceled_has_time"] == FINAL
    assert states["ck_hub_work_item_waiting_has_time"] == set(QUEUED) - {"Pending"}


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


@pytest.mark.parametrize(
    ("status", "away", "verdict"),
    [("Online", 0, "late"), ("Online", 14_999, "late"), ("Suspect", 14_999, "same"), ("Suspect", 15_000, "lost"), ("Online", 15_000, "lost")],
)
def test_a_client_that_promises_nothing_may_come_back_after_its_connection_has_ended(status: str, away: int, verdict: str) -> None:
    assert judge_presence(Contact(status, away - 100_000, 0, presence_ms(None)), 100_000) == verdict
    assert judge_presence(Contact(status, away - 100_000, 0, presence_ms(3_000)), 100_000) == "lost"
    assert judge_presence(Contact(status, away - 100_000, 0, presence_ms(None), registered=100_001), 100_000) == "same"


def test_a_beacon_may_miss_three_contacts() -> None:
    assert presence_ms(3_000) == 10_000
    assert presence_ms(None) == 90_000


@pytest.mark.parametrize(("status", "requested"), list(itertools.product(STATUSES, (False, True))))
def test_what_a_wish_to_cancel_means(status: str, requested: bool) -> None:
    if status in QUEUED:
        assert judge_cancel(status, requested) is Wish.AT_ONCE
    elif status in HELD:
        assert judge_cancel(status, requested) is (Wish.ASKED if requested else Wish.ASK_HOLDER)
    else:
        assert judge_cancel(status, requested) is (Wish.ALREADY_CANCELED if status == "Canceled" else Wish.ALREADY_FINAL)


@pytest.mark.parametrize("kind", ["Complete", "Error"])
def test_the_last_word_on_a_canceled_attempt_is_heard_from_its_holder_alone(kind: str) -> None:
    attempt = Named("bcn-a", "Canceled", True, "Canceled")
    assert settle(attempt, "bcn-a", kind) is Verdict.CANCELED
    assert settle(attempt, "bcn-b", kind) is Verdict.FOREIGN
    assert settle(attempt, "bcn-a", "") is Verdict.ALREADY_FINAL


@pytest.mark.parametrize(
    ("queued", "alive", "reason"),
    [(0, 0, None), (49, 0, None), (50, 0, "fleet_unhealthy"), (50, 1, None), (99, 1, None), (100, 2, "queued_depth_exceeded")],
)
def test_admission(queued: int, alive: int, reason: str | None) -> None:
    limits = Limits(100, 50, 0.5)
    judged = judge_depth(limits, queued)
    assert (judge_fleet(limits, Fleet(alive, 2)) if judged == "ask_fleet" else judged) == reason


@given(st.integers(0, 10**9))
def test_without_limits_everything_is_admitted(queued: int) -> None:
    assert judge_depth(Limits(), queued) is None


def test_a_hub_without_beacons_admits() -> None:
    assert judge_fleet(Limits(100, 50, 0.5), Fleet(0, 0)) is None


said = st.builds(Defaults, *[st.none() | st.integers(0, 9)] * 4)


@given(said, said)
def test_defaults_come_from_the_action_then_its_capability_then_the_house(exact: Defaults, wild: Defaults) -> None:
    found = defaults_of({("Shell", "Execute"): exact, ("Shell", ""): wild}, "Shell", "Execute")
    for name in ("timeout_ms", "max_attempts", "retry_backoff_ms", "default_priority"):
        values = [v for v in (getattr(exact, name), getattr(wild, name), getattr(HARD, name)) if v is not None]
        assert getattr(found, name) == values[0]
    assert defaults_of({("Shell", "Execute"): exact}, "Other", "Execute") == HARD
