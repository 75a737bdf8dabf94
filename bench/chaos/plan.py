"""What a drill does: its blows and its load, dealt from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

#: Who can be hit.
ROLES = ("web", "worker", "beat", "redis", "beacon-1", "beacon-2")
CAPABILITY, ACTION = "Chaos", "Work"

#: One round of blows, as (blow, role). Each round is shuffled anew, so that none of them is ever left out of a drill of some length.
#: Single processes die more often than whole roles: they are back at once, so more of the blows meet a hub that is in full work.
#: A Redis that is killed and rewound comes back without the newest part of its file, as after the loss of power or on a stale replica; one
#: that is away comes back seconds later.
DECK = (
    *(("kill", "web"), ("kill leader", "web"), ("kill child", "web"), ("kill child", "web")),
    *(("kill", "worker"), ("kill leader", "worker"), *(("kill child", "worker"),) * 4),
    *(("kill", "redis"), ("kill rewound", "redis"), ("kill away", "redis"), ("kill away", "redis"), ("kill", "beat")),
    *(("kill", "beacon-1"), ("kill", "beacon-1"), ("kill", "beacon-2"), ("kill", "beacon-2")),
    *(("pause", "any"), ("pause", "redis"), ("pause child", "worker"), ("pause child", "worker"), ("flush", "redis"), ("flush", "redis")),
    *(("stop leader", "web"), ("stop leader", "beacon-1")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drill. The same seed deals the same blows and sends the same items; what they meet is the machine's doing.

    `kills` counts SIGKILLs alone: pauses, FLUSHALLs and orderly stops come on top, nearly one for every two of them.
    """

    seed: int
    kills: int = 60
    items: int = 3_000
    #: SQLAlchemy URL of an empty database; without one, a SQLite file in the drill's folder.
    database: str = ""
    #: Seconds from one blow to the next. A hub that has not answered since the last one gets up to as much again: blow upon blow on a hub
    #: that is down proves little.
    pace: float = 1.0
    #: Clients that send at a time.
    clients: int = 8
    #: Share of the items that is sent in one go before the first blow, and again after the last one.
    burst: float = 0.1
    #: Seconds without any progress after which the drill does not wait any longer.
    patience: float = 45.0
    #: Where the drill keeps its data; without it, a temporary folder that is removed when all is well.
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Blow:
    """`seconds` is how long a role stays paused or away, `choice` which of a role's processes it meets: a number in 0..1."""

    kind: str
    role: str
    seconds: float
    choice: float


def blows(plan: Plan) -> Iterator[Blow]:
    """Blow after blow, until as many SIGKILLs are dealt as were planned."""
    chance = Random(f"{plan.seed}/blows")
    left = plan.kills
    while left > 0:
        for kind, role in chance.sample(DECK, len(DECK)):
            chosen = chance.choice(ROLES) if role == "any" else role
            # A lease lasts two seconds: a paused process wakes to find that another one has taken over, or just not yet.
            yield Blow(kind, chosen, chance.uniform(1.0, 4.0), chance.random())
            left -= kind.startswith("kill")
            if left <= 0:
                return


@dataclass(frozen=True, slots=True)
class Order:
    """An item to be sent under a key of its own. `patient` clients repeat whatever comes; others go away when nothing was accepted."""

    key: str
    body: dict[str, Any]
    patient: bool


def order(seed: int, number: int) -> Order:
    """The n-th item: mostly quick and good, some that fail now and then and are tried again, a few that always fail."""
    chance = Random(f"{seed}/{number}")
    key = f"chaos-{seed}-{number}"
    fail_rate, tries = chance.choices([(0.0, 1), (0.4, 3), (1.0, 2)], weights=[86, 10, 4])[0]
    settings = {"Key": key, "DurationMs": chance.choice([1, 3, 10, 30]), "FailRate": fail_rate, "maxRetries": tries, "retryBackoffMs": 300}
    body = {
        "Capability": CAPABILITY,
        "Action": ACTION,
        "Settings": settings,
        "Metadata": {"Key": key},
        "Priority": chance.choice([0, 0, 0, 5]),
        "TimeoutMs": 60_000,
    }
    return Order(key, body, patient=chance.random() < 0.9)
