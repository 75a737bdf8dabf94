"""How many commands are decoded and foreseen together: as many as the time of a unit lets one carry out.

What is foreseen and not carried out is foreseen again by the next unit. Where the machine is slow, or the commands are, foreseeing a full
slice would take the whole time of each unit for its first command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.streams import Entry

#: Envelopes of a slice at most: enough to share statements, few enough to be thrown away when the time is over.
SLICE = 200
#: And at least, where there is time for one: statements must be shared all the same.
LEAST = 10
#: Bytes of envelopes that are decoded together: a few batches of a thousand rows are work enough for one unit.
SLICE_BYTES = 65_536


class Pace:
    """Of the lanes of one flush, each by what its last units have got done."""

    def __init__(self) -> None:
        self._most: dict[str, int] = {}

    def slices(self, lane: str, entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
        """The entries in parts of at most so many, and of about SLICE_BYTES; a larger one is a part of its own."""
        most = self._most.get(lane, SLICE)
        start = size = 0
        for place, (_, data) in enumerate(entries):
            if place > start and (place - start >= most or size + len(data) > SLICE_BYTES):
                yield entries[start:place]
                start, size = place, 0
            size += len(data)
        yield entries[start:]

    def learn(self, lane: str, done: int, foreseen: int) -> None:
        """A unit's last slice: how many of its commands were carried out in time."""
        most = self._most.get(lane, SLICE)
        self._most[lane] = max(done, LEAST) if done < foreseen else min(most * 2, SLICE)
