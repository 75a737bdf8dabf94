"""Laws of the one dispatch rule."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.assign import Hand, Waiting, assign

CAPABILITIES = ("Shell", "File", "LLM")
NAMES = ("ada", "bob", "cy")


@st.composite
def hands(draw: st.DrawFn) -> list[Hand]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return [
        Hand(f"bcn-{name}", name, frozenset(draw(st.sets(st.sampled_from(CAPABILITIES)))), draw(st.integers(0, 3)), draw(st.integers(0, 5)))
        for name in names
    ]


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    return [
        Waiting(f"wi-{n}", draw(st.sampled_from(CAPABILITIES)), 0, draw(st.sampled_from(("", "", "sticky", *NAMES))), draw(st.booleans()))
        for n in range(draw(st.integers(0, 12)))
    ]


@given(queues(), hands())
def test_no_beacon_gets_more_than_its_free_slots(queue: list[Waiting], hands: list[Hand]) -> None:
    given_to = Counter(a.beacon_id for a in assign(queue, hands))
    assert all(given_to[hand.beacon_id] <= hand.free for hand in hands)


@given(queues(), hands())
def test_no_item_is_assigned_twice(queue: list[Waiting], hands: list[Hand]) -> None:
    assert max(Counter(a.work_item_hash for a in assign(queue, hands)).values(), default=1) == 1


@given(queues(), hands())
def test_affinity_is_never_broken(queue: list[Waiting], hands: list[Hand]) -> None:
    items = {item.work_item_hash: item for item in queue}
    names = {hand.beacon_id: hand.name for hand in hands}
    for a in assign(queue, hands):
        item = items[a.work_item_hash]
        if item.affinity_key in names.values() or item.require_affinity_match:
            assert names[a.beacon_id] == item.affinity_key


@given(queues(), hands())
def test_an_item_goes_only_to_a_beacon_that_can_do_it_or_is_named(queue: list[Waiting], hands: list[Hand]) -> None:
    items = {item.work_item_hash: item for item in queue}
    by_id = {hand.beacon_id: hand for hand in hands}
    for a in assign(queue, hands):
        item, hand = items[a.work_item_hash], by_id[a.beacon_id]
        assert item.capability in hand.capabilities or item.affinity_key == hand.name


@given(queues(), hands())
def test_nothing_that_could_go_stays(queue: list[Waiting], hands: list[Hand]) -> None:
    """No capability and no affinity blocks another: what is left over finds no free hand at all."""
    assigned = assign(queue, hands)
    taken = {a.work_item_hash for a in assigned}
    used = Counter(a.beacon_id for a in assigned)
    free = [hand for hand in hands if used[hand.beacon_id] < hand.free]
    for item in queue:
        if item.work_item_hash in taken:
            continue
        named = next((hand for hand in hands if hand.name == item.affinity_key), None)
        if named is not None:
            assert named not in free
        elif not item.require_affinity_match:
            assert not any(item.capability in hand.capabilities for hand in free)


@given(st.integers(0, 8), st.integers(0, 4))
def test_equals_are_served_in_order(waiting: int, free: int) -> None:
    queue = [Waiting(f"wi-{n}", "Shell", 0) for n in range(waiting)]
    served = assign(queue, [Hand("bcn-a", "a", frozenset({"Shell"}), free)])
    assert [a.work_item_hash for a in served] == [item.work_item_hash for item in queue[:free]]


def test_the_least_loaded_beacon_is_chosen() -> None:
    busy, idle = Hand("bcn-a", "a", frozenset({"Shell"}), 5, load=3), Hand("bcn-b", "b", frozenset({"Shell"}), 5, load=1)
    assert [a.beacon_id for a in assign([Waiting(f"wi-{n}", "Shell", 0) for n in range(3)], [busy, idle])] == ["bcn-b", "bcn-b", "bcn-a"]


def test_a_full_beacon_keeps_the_items_that_name_it() -> None:
    full, free = Hand("bcn-a", "a", frozenset({"Shell"}), 0, load=1), Hand("bcn-b", "b", frozenset({"Shell"}), 1)
    assert assign([Waiting("wi-1", "Shell", 0, affinity_key="a")], [full, free]) == []
