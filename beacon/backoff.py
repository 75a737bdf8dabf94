"""How long to wait before trying again."""

from __future__ import annotations

import random


class Backoff:
    """Waits are uniform between zero and a ceiling that doubles from `base` up to `cap` seconds.

    The default cap is what an outage may cost a beacon beyond the outage itself: half of it on average, for ever however long it was.
    Full jitter: after an outage a thousand beacons come back spread over the ceiling and not all in one instant.
    A hub that says how long to wait (`Retry-After`) is obeyed, at most `LONGEST` seconds, plus up to a tenth so that they spread too.
    """

    #: Nobody is made to wait longer, whatever the answer said.
    LONGEST = 300.0

    def __init__(self, base: float = 0.25, cap: float = 10.0, chance: random.Random | None = None) -> None:
        self._base = base
        self._cap = cap
        self._tries = 0
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits, guards nothing

    def next(self, asked: float | None = None) -> float:
        """The next wait in seconds; `asked` is what the hub asked for."""
        ceiling = min(self._cap, self._base * 2 ** min(self._tries, 30))
        self._tries += 1
        if asked is None:
            return self._chance.uniform(0, ceiling)
        return min(asked, self.LONGEST) * self._chance.uniform(1, 1.1)
