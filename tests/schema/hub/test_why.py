"""A blocking fact is never wrong: what `assign` would give out has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.assign import Hand, Waiting, assign
from schema.hub.rules.why import OBSERVED, Candidate, Limit, Situation, blocking_reason, eligible, why

CAPABILITIES, ACTIONS, NAMES = ("Shell", "File"), ("Execute", "Read"), ("ada", "bob", "cy")


@st.composite
def beacons(draw: st.DrawFn) -> list[tuple[Hand, bool, bool, int]]:
    """Beacons as `assign` sees them, each with online, paused and the free slots that it would have."""
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        online, paused, slots = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 2))
        capabilities = draw(st.frozensets(st.sampled_from(CAPABILITIES)))
        actions = draw(st.dictionaries(st.sampled_from(CAPABILITIES), st.lists(st.sampled_from(ACTIONS), min_size=1)))
        found.append((Hand(f"b-{name}", name, capabilities, slots if online and not paused else 0, 0, actions), online, paused, slots))
    return found


items = st.builds(Waiting, st.just("i"), st.sampled_from(CAPABILITIES), st.sampled_from(ACTIONS), st.sampled_from(("", *NAMES, "key")), st.booleans())
bindings = st.dictionaries(st.just("key"), st.sampled_from([f"b-{name}" for name in NAMES]))
offs = st.frozensets(st.sampled_from(CAPABILITIES))


def situation_of(item: Waiting, hands: list[tuple[Hand, bool, bool, int]], bound: dict[str, str], off: frozenset[str]) -> Situation:
    seen = [
        Candidate(hand.beacon_id, hand.name, item.capability in hand.capabilities, hand.takes(item), online, slots, 2, paused)
        for hand, online, paused, slots in hands
    ]
    return Situation(
        status="Pending",
        capability=item.capability,
        action=item.action,
        affinity_key=item.affinity_key,
        strict=item.require_affinity_match,
        bound=bound.get(item.affinity_key),
        capability_paused=item.capability in off,
        candidates=seen,
    )


@given(items, beacons(), bindings, offs)
def test_an_item_alone_is_dispatched_exactly_when_nothing_blocks_it(item, hands, bound, off) -> None:
    plan = assign([item], [hand for hand, *_ in hands], bound, off)
    facts = why(situation_of(item, hands, bound, off))
    assert bool(plan.assignments) == (not any(fact.blocks for fact in facts)), facts


@given(items, st.lists(items), beacons(), bindings, offs)
def test_among_others_no_item_with_a_blocking_fact_is_dispatched(item, others, hands, bound, off) -> None:
    others = [
        Waiting(f"o{n}", o.capability, o.action, o.affinity_key, o.require_affinity_match) for n, o in enumerate(others) if o.affinity_key != "key"
    ]
    plan = assign([*others, item], [hand for hand, *_ in hands], bound, off)
    if "i" in [assignment.work_item_hash for assignment in plan.assignments]:
        assert not any(fact.blocks for fact in why(situation_of(item, hands, bound, off)))


@given(items, beacons(), bindings, offs)
def test_who_takes_it_was_eligible(item, hands, bound, off) -> None:
    for assignment in assign([item], [hand for hand, *_ in hands], bound, off).assignments:
        assert assignment.beacon_id in [candidate.beacon_id for candidate in eligible(situation_of(item, hands, bound, off))]


def candidate(name: str = "ada", **more: object) -> Candidate:
    return Candidate(**({"beacon_id": f"b-{name}", "name": name, "capable": True, "able": True, "online": True, "free": 1, "slots": 2} | more))  # type: ignore[arg-type]  # as the fields are


@pytest.mark.parametrize(
    ("given", "code", "observed"),
    [
        ({}, "no_such_capability", "no_eligible_beacon"),
        ({"candidates": [candidate(able=False)]}, "no_such_action", "no_eligible_beacon"),
        ({"candidates": [candidate(online=False)]}, "no_beacon_online", "no_eligible_beacon"),
        ({"candidates": [candidate(paused=True)]}, "beacon_paused", "no_eligible_beacon"),
        ({"candidates": [candidate(free=0)]}, "all_eligible_busy", "all_eligible_busy"),
        ({"candidates": [candidate(free=0)], "affinity_key": "ada"}, "affinity_beacon_busy", "all_eligible_busy"),
        ({"candidates": [candidate(online=False)], "affinity_key": "ada"}, "affinity_pinned_to_offline", "affinity_pinned_to_offline"),
        (
            {"candidates": [candidate(online=False)], "affinity_key": "k", "bound": "b-ada"},
            "affinity_pinned_to_offline",
            "affinity_pinned_to_offline",
        ),
        ({"candidates": [candidate(paused=True)], "affinity_key": "ada"}, "beacon_paused", "no_eligible_beacon"),
        ({"candidates": [candidate()], "affinity_key": "zoe", "strict": True}, "strict_affinity_unmet", "no_eligible_beacon"),
        ({"candidates": [candidate()], "strict": True}, "strict_affinity_unmet", "no_eligible_beacon"),
        ({"candidates": [candidate()], "capability_paused": True}, "capability_paused", None),
        ({"candidates": [candidate()], "limit": Limit("k", 2, 2, waits=True)}, "concurrency_limit", None),
        ({"candidates": [candidate()], "status": "RetryScheduled", "due_ms": 5}, "retry_pause", None),
        ({"candidates": [candidate()], "status": "Delayed", "due_ms": 5}, "delayed", None),
        ({"candidates": [candidate()], "ahead": 3}, "ahead_in_queue", None),
        ({"candidates": [candidate()], "lane": 3}, "lane_waits_for_flush", None),
        ({"candidates": [candidate()]}, "ready", None),
        ({"status": "Running"}, "running", "no_eligible_beacon"),
        ({"status": "Error"}, "ended", "no_eligible_beacon"),
    ],
)
def test_each_fact(given: dict[str, object], code: str, observed: str | None) -> None:
    situation = Situation(**({"status": "Pending", "capability": "Shell"} | given))  # type: ignore[arg-type]  # as the fields are
    facts = why(situation)
    assert facts[0].code == code
    assert all(fact.sentence.endswith(".") and fact.advice.endswith(".") for fact in facts)
    assert facts[0].blocks == (code not in ("ahead_in_queue", "lane_waits_for_flush", "ready", "running", "ended"))
    if situation.status == "Pending":
        assert blocking_reason(situation) == observed
        assert OBSERVED.get(code) == observed
