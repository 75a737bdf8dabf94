"""Laws of ranks, windows and permits: nothing starves, and nothing is read that cannot go."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.assign import Hand, Waiting, assign
from schema.hub.rules.lines import line_of, named, paused
from schema.hub.rules.permits import granted, may_have
from schema.hub.rules.ranking import AGEING_MS, MOST_PRIORITY, Place, moved, rank_of
from schema.hub.rules.windows import windows_of
from tests.schema.hub.test_assign import ACTIONS, CAPABILITIES, hands

times = st.integers(0, 4_102_444_800_000)
priorities = st.integers(-MOST_PRIORITY, MOST_PRIORITY)


@given(times, priorities, priorities)
def test_priority_desc_among_items_of_one_age(at: int, one: int, other: int) -> None:
    """Spec 13: order Priority desc, EnqueuedAt asc."""
    assert (rank_of(at, one) < rank_of(at, other)) == (one > other)


@given(times, times, priorities)
def test_enqueued_at_asc_among_items_of_one_priority(one: int, other: int, priority: int) -> None:
    assert (rank_of(one, priority) < rank_of(other, priority)) == (one < other)


@given(times, priorities, st.integers(0, 1_000))
def test_nothing_starves(at: int, priority: int, steps: int) -> None:
    """Whoever comes later than a step of ageing for each step of priority does not overtake."""
    later = at + steps * AGEING_MS
    assert rank_of(at, priority) < rank_of(later + 1, priority + steps)
    assert abs(rank_of(later, priority)) < 2**63


@given(st.sampled_from(["up", "down"]), st.integers(-(10**15), 10**15), priorities)
def test_a_move_passes_the_neighbour_alone(direction: str, rank: int, priority: int) -> None:
    place = moved(direction, Place(rank, priority))
    step = 1 if direction == "up" else -1
    if place is None:
        assert abs(priority + step) > MOST_PRIORITY
    else:
        assert (place.rank, place.priority) == (rank - step, priority + step)


@given(st.integers(0, 5), st.lists(st.integers(1, 5), max_size=8))
def test_permits_are_never_exceeded_and_never_left_idle(held: int, limits: list[int]) -> None:
    n = granted(held, limits)
    assert all(held + place < limits[place] for place in range(n))
    assert n == len(limits) or held + n >= limits[n]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 5))
def test_nobody_overtakes_those_who_wait_for_a_permit(held: int, waiting: int, limit: int) -> None:
    assert may_have(held, waiting, limit) == (waiting == 0 and held < limit)


@st.composite
def stocks(draw: st.DrawFn) -> list[Waiting]:
    """Items that are ready, in order of dispatch, without and with a beacon's name."""
    keys = st.sampled_from(("", "", "ada", "bob"))
    return [
        Waiting(f"wi-{n:02}", draw(st.sampled_from(CAPABILITIES)), draw(st.sampled_from(ACTIONS)), draw(keys))
        for n in range(draw(st.integers(0, 25)))
    ]


@given(stocks(), hands(), st.sets(st.sampled_from(CAPABILITIES), max_size=1))
def test_windows_miss_nothing(stock: list[Waiting], everybody: list[Hand], off: set[str]) -> None:
    """What the rule gives out of the windows is as much as it would give out of everything, and as urgent."""
    names = {hand.name for hand in everybody}
    stands = {
        i.work_item_hash: paused(i.capability)
        if i.capability in off and i.affinity_key in names
        else line_of(i.capability, i.affinity_key, False, i.affinity_key if i.affinity_key in names else None)
        for i in stock
    }
    called = {hand.beacon_id for hand in everybody if named(hand.name) in stands.values()}
    windows, cut = windows_of(everybody, called, Counter((item.capability, item.action) for item in stock), off, 10_000)
    assert not cut
    seen = {
        item.work_item_hash
        for window in windows
        for item in [i for i in stock if stands[i.work_item_hash] == window.line and window.action in (None, i.action)][: window.most]
    }
    looked = assign([item for item in stock if item.work_item_hash in seen], everybody, {}, off)
    free = {hand.beacon_id: hand.free for hand in everybody}
    for a in looked.assignments:
        free[a.beacon_id] -= 1
    gone = {a.work_item_hash for a in looked.assignments}
    for item in (i for i in stock if i.work_item_hash not in gone and i.capability not in off):
        able = [h for h in everybody if (h.name == item.affinity_key if item.affinity_key in names else h.takes(item))]
        assert not [h for h in able if free[h.beacon_id]]


@given(hands(), st.dictionaries(st.tuples(st.sampled_from(CAPABILITIES), st.sampled_from(ACTIONS)), st.integers(1, 10**6)), st.integers(1, 50))
def test_windows_are_bounded_by_slots_whatever_waits(everybody: list[Hand], waiting: dict[tuple[str, str], int], most: int) -> None:
    windows, cut = windows_of(everybody, {hand.beacon_id for hand in everybody}, waiting, (), most)
    slots = sum(hand.free for hand in everybody)
    assert all(0 < window.most <= slots for window in windows)
    assert cut or sum(window.most for window in windows) <= most
    assert sum(window.most for window in windows) <= max(most, len(windows))
