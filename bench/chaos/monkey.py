"""Strikes the house as the plan says, one blow after the other, and remembers when."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, time

import redis

from bench.chaos.house import House
from bench.chaos.plan import Blow
from ultravisor import here

#: `stop` is what an operator does to a part before an update.
SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "stop": signal.SIGTERM}
#: Seconds within which a role that is away must be back when its turn comes again.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow that was dealt. `role` says exactly who was hit."""

    at: float
    kind: str
    role: str
    #: The same moment as the rows tell time: seconds since 1970.
    clock: float = 0.0


def strike(house: House, blow: Blow) -> Struck:
    """Deal one blow. A role that is away is waited for; a broker that cannot be flushed, because it does not answer, is killed."""
    if blow.kind == "flush":
        return _flush(house, blow)
    if not house.mind_until(lambda: house.processes(blow.role), PATIENCE):
        raise RuntimeError(f"{blow.role} does not come back")
    if blow.kind == "kill rewound":
        house.once_down(blow.role, 0.0, lambda: _rewind(house, blow.choice))
    if blow.kind == "kill away":
        house.once_down(blow.role, blow.seconds)
    action, _, part = blow.kind.partition(" ")
    hit = _hit(house.processes(blow.role), part, blow.choice)
    # The leader last: once it is gone, whoever minds the house clears up behind it.
    house.hurt(blow.role, SIGNALS[action], reversed(hit), blow.seconds)
    return Struck(monotonic(), blow.kind, blow.role, time())


def _hit(family: list[int], part: str, choice: float) -> list[int]:
    """Which of a role's processes a blow meets: the leader, a child, or all."""
    leader, children = family[:1], family[1:]
    if part == "leader":
        return leader
    if part == "child" and children:
        return [children[int(choice * len(children))]]
    return family


def _flush(house: House, blow: Blow) -> Struck:
    try:
        with here.broker(house.settings) as client:
            client.flushall()
    except redis.RedisError:
        return strike(house, Blow("kill", blow.role, blow.seconds, blow.choice))
    return Struck(monotonic(), "flush", blow.role, time())


def _rewind(house: House, share: float) -> None:
    """Cut off up to a third of the journal's file."""
    file = house.data / "redis" / "appendonly.aof"
    os.truncate(file, int(file.stat().st_size * (1 - share / 3)))


def strike_all(house: House, blows: Iterable[Blow], pace: float, answered: Callable[[], int]) -> Iterator[Struck]:
    """Every blow, each so long after the one before, and up to twice as long while nothing is answered; meanwhile the house mends itself."""
    for blow in blows:
        yield strike(house, blow)
        before = answered()
        house.mind(monotonic() + pace)
        house.mind_until(lambda before=before: answered() > before, pace)  # type: ignore[misc]  # mypy: a default makes no signature
