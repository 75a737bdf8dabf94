"""What a unit foresees and has no time for is wasted once, and not by each unit anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tasks.pace import LEAST, SLICE, Pace
from tasks.streams import Entry
from tasks.unit import Unit
from tests.tasks.rig import A, Rig
from tests.tasks.shelf import Put

ENTRIES: list[Entry] = [(b"1-1", b"{}")] * 1_000


def sizes(pace: Pace) -> list[int]:
    return [len(part) for part in pace.slices(A, ENTRIES)]


def test_a_slice_becomes_as_small_as_what_there_was_time_for() -> None:
    pace = Pace()
    assert sizes(pace) == [SLICE] * 5
    pace.learn(A, 50, SLICE)
    assert sizes(pace) == [50] * 20
    pace.learn(A, 1, 50)
    assert sizes(pace) == [LEAST] * 100


def test_it_grows_again_where_there_is_time() -> None:
    pace = Pace()
    pace.learn(A, 1, SLICE)
    seen = []
    for _ in range(6):
        pace.learn(A, sizes(pace)[0], sizes(pace)[0])
        seen.append(sizes(pace)[0])
    assert seen == [20, 40, 80, 160, SLICE, SLICE]


def test_lanes_have_each_their_own() -> None:
    pace = Pace()
    pace.learn("another", 1, SLICE)
    assert sizes(pace) == [SLICE] * 5


def test_where_each_command_takes_the_whole_time_of_a_unit_few_are_foreseen_in_vain(rigs: Callable[..., Rig]) -> None:
    foreseen: list[int] = []

    def foresee(commands: Sequence[Any], unit: Unit) -> None:
        foreseen.append(len(commands))

    rig = rigs(UV_UNIT_MS="1")
    rig.kernel = replace(rig.kernel, foresights={Put.name: foresee}, settings=replace(rig.kernel.settings, unit_ms=0))
    rig.send(*(Put(shelf="a", what=f"n{n}") for n in range(40)))
    rig.drain()
    assert rig.names() == [f"n{n}" for n in range(40)]
    assert foreseen[0] == 40
    assert len(foreseen) == 40, "one for each unit of one command"
    assert max(foreseen[1:]) == LEAST
