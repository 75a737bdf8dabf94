"""Laws of the one dispatch rule."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schema.hub.rules.assign import Hand, Waiting, assign
from schema.hub.rules.lines import general, named, paused

CAPABILITIES = ("Shell", "File", "LLM")
ACTIONS = ("Execute", "Read")
NAMES = ("ada", "bob", "cy")
KEYS = ("", "", "blue", "red", *NAMES)


@st.composite
def hands(draw: st.DrawFn) -> list[Hand]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    declared = st.dictionaries(st.sampled_from(CAPABILITIES), st.sets(st.sampled_from(ACTIONS), min_size=1), max_size=2)
    capabilities = st.sets(st.sampled_from(CAPABILITIES))
    return [
        Hand(f"bcn-{name}", name, frozenset(draw(capabilities)), draw(st.integers(0, 3)), draw(st.integers(0, 5)), draw(declared)) for name in names
    ]


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    return [
        Waiting(f"wi-{n}", draw(st.sampled_from(CAPABILITIES)), draw(st.sampled_from(ACTIONS)), draw(st.sampled_from(KEYS)), draw(st.booleans()))
        for n in range(draw(st.integers(0, 12)))
    ]


bindings = st.dictionaries(st.sampled_from(("blue", "red")), st.sampled_from([f"bcn-{name}" for name in NAMES] + ["bcn-gone"]))
offs = st.sets(st.sampled_from(CAPABILITIES), max_size=1)
worlds = st.tuples(queues(), hands(), bindings, offs)
World = tuple[list[Waiting], list[Hand], dict[str, str], set[str]]


@given(worlds)
def test_no_beacon_gets_more_than_its_free_slots(world: World) -> None:
    given_to = Counter(a.beacon_id for a in assign(*world).assignments)
    assert all(given_to[hand.beacon_id] <= hand.free for hand in world[1])


@given(worlds)
def test_each_item_is_assigned_once_or_has_its_line(world: World) -> None:
    plan = assign(*world)
    hashes = [a.work_item_hash for a in plan.assignments] + list(plan.parked)
    assert sorted(hashes) == sorted(item.work_item_hash for item in world[0])


@given(worlds)
def test_affinity_is_never_broken(world: World) -> None:
    """A name goes to its beacon, a required match to nobody else, a bound key to its beacon as long as that can do it."""
    queue, everybody, bound, _ = world
    items = {item.work_item_hash: item for item in queue}
    by_id = {hand.beacon_id: hand for hand in everybody}
    for a in assign(*world).assignments:
        item, hand = items[a.work_item_hash], by_id[a.beacon_id]
        if item.affinity_key in {h.name for h in everybody} or item.require_affinity_match:
            assert hand.name == item.affinity_key
        elif (holder := by_id.get(bound.get(item.affinity_key, ""))) is not None and holder.takes(item):
            assert hand == holder


@given(worlds)
def test_an_item_goes_only_to_a_beacon_that_can_do_it_or_is_named(world: World) -> None:
    items = {item.work_item_hash: item for item in world[0]}
    by_id = {hand.beacon_id: hand for hand in world[1]}
    for a in assign(*world).assignments:
        item, hand = items[a.work_item_hash], by_id[a.beacon_id]
        assert hand.takes(item) or item.affinity_key == hand.name


@given(worlds)
def test_a_paused_capability_gets_nothing(world: World) -> None:
    items = {item.work_item_hash: item for item in world[0]}
    assert not {items[a.work_item_hash].capability for a in assign(*world).assignments} & world[3]


@given(worlds)
def test_nothing_that_could_go_stays(world: World) -> None:
    """No capability, action, pause or affinity blocks another: what is left over finds no free hand at all."""
    queue, everybody, bound, off = world
    plan = assign(*world)
    used = Counter(a.beacon_id for a in plan.assignments)
    free = [hand for hand in everybody if used[hand.beacon_id] < hand.free]
    by_id = {hand.beacon_id: hand for hand in everybody}
    for item in (item for item in queue if item.work_item_hash in plan.parked and item.capability not in off):
        name = next((hand for hand in everybody if hand.name == item.affinity_key), None)
        holder = by_id.get((bound | plan.bound).get(item.affinity_key, ""))
        if name is not None:
            assert name not in free
        elif item.require_affinity_match:
            continue
        elif holder is not None and holder.takes(item):
            assert holder not in free
        else:
            assert not any(hand.takes(item) for hand in free)


@given(worlds)
def test_who_waits_stands_where_the_next_dispatch_looks_for_it(world: World) -> None:
    items = {item.work_item_hash: item for item in world[0]}
    names = {hand.name for hand in world[1]}
    for hash, line in assign(*world).parked.items():
        item = items[hash]
        assert line in {general(item.capability), paused(item.capability), named(item.affinity_key), *map(named, names)}
        if not item.affinity_key and not item.require_affinity_match:
            assert line == general(item.capability)


@given(st.integers(0, 8), st.integers(0, 4))
def test_equals_are_served_in_order(waiting: int, free: int) -> None:
    queue = [Waiting(f"wi-{n}", "Shell") for n in range(waiting)]
    served = assign(queue, [Hand("bcn-a", "a", frozenset({"Shell"}), free)]).assignments
    assert [a.work_item_hash for a in served] == [item.work_item_hash for item in queue[:free]]


def test_the_least_loaded_beacon_is_chosen() -> None:
    busy, idle = Hand("bcn-a", "a", frozenset({"Shell"}), 5, load=3), Hand("bcn-b", "b", frozenset({"Shell"}), 5, load=1)
    assert [a.beacon_id for a in assign([Waiting(f"wi-{n}", "Shell") for n in range(3)], [busy, idle]).assignments] == ["bcn-b", "bcn-b", "bcn-a"]


def test_a_full_beacon_keeps_the_items_that_name_it() -> None:
    full, free = Hand("bcn-a", "a", frozenset({"Shell"}), 0, load=1), Hand("bcn-b", "b", frozenset({"Shell"}), 1)
    plan = assign([Waiting("wi-1", "Shell", affinity_key="a")], [full, free])
    assert (plan.assignments, plan.parked) == ([], {"wi-1": named("a")})


def test_the_first_taker_binds_a_key_for_those_behind_it() -> None:
    ada, bob = Hand("bcn-a", "a", frozenset({"Shell"}), 2, load=0), Hand("bcn-b", "b", frozenset({"Shell"}), 2, load=1)
    plan = assign([Waiting(f"wi-{n}", "Shell", affinity_key="blue") for n in range(3)], [ada, bob])
    assert [a.beacon_id for a in plan.assignments] == ["bcn-a", "bcn-a"]
    assert (plan.bound, plan.parked) == ({"blue": "bcn-a"}, {"wi-2": named("a")})


def test_a_declared_action_is_all_that_a_beacon_takes_of_a_capability() -> None:
    reader = Hand("bcn-r", "r", frozenset({"File", "Shell"}), 5, actions={"File": {"Read"}})
    queue = [Waiting("wi-1", "File", "Write"), Waiting("wi-2", "File", "Read"), Waiting("wi-3", "Shell", "Anything")]
    assert [a.work_item_hash for a in assign(queue, [reader]).assignments] == ["wi-2", "wi-3"]
