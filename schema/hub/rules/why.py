"""Why an item is where it is: the facts that keep it waiting, each with its numbers and what can be done about it.

A fact that `blocks` is sufficient by itself: as long as it holds, `assign` does not give the item out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from schema.hub.rules.lifecycle import FINAL, HELD


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered beacon as one item sees it. `capable` has the capability, `able` takes the action as well. `free` slots are what its
    limit leaves, whether or not it is there; `online` is one that is there and not silent.
    """

    beacon_id: str
    name: str
    capable: bool
    able: bool
    online: bool
    free: int
    slots: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A concurrency key: how many items have its permit, how many may, and whether this one is among those that wait for it."""

    key: str
    held: int
    most: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides about an item: itself, the beacons, what the operator has paused, what stands before it.

    `bound` is the beacon to which an affinity key has stuck. `due_ms` is the time until the clock looks at the item. `ahead` counts waiting
    items of its capability that come first, `more_ahead` where counting was given up. `lane` are commands that wait for a flush.
    """

    status: str
    capability: str
    action: str = "Execute"
    affinity_key: str = ""
    strict: bool = False
    bound: str | None = None
    due_ms: int | None = None
    capability_paused: bool = False
    limit: Limit | None = None
    candidates: Sequence[Candidate] = ()
    ahead: int = 0
    more_ahead: bool = False
    lane: int = 0
    lane_ms: int = 0
    #: Of a running or ended item: holder, times, outcome, under the wire's names.
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One reason: a machine word, a sentence, numbers, what to do. `blocks`: sufficient by itself."""

    code: str
    blocks: bool
    sentence: str
    advice: str
    numbers: dict[str, Any] = field(default_factory=dict)


#: Beacons that one fact names.
NAMED = 20

#: The observer's words (ultravisor-hub 9.1) for the facts that have one.
OBSERVED = {
    "no_such_capability": "no_eligible_beacon",
    "no_such_action": "no_eligible_beacon",
    "no_beacon_online": "no_eligible_beacon",
    "strict_affinity_unmet": "no_eligible_beacon",
    "beacon_paused": "no_eligible_beacon",
    "affinity_pinned_to_offline": "affinity_pinned_to_offline",
    "affinity_beacon_busy": "all_eligible_busy",
    "all_eligible_busy": "all_eligible_busy",
}


def why(situation: Situation) -> list[Fact]:
    """The facts, the blocking ones first. Never empty."""
    if situation.status in FINAL:
        return [_ended(situation)]
    if situation.status in HELD:
        return [_running(situation)]
    facts = [*_of_time(situation), *_of_operator(situation), *_of_beacons(situation), *_of_queue(situation)]
    return sorted(facts, key=lambda fact: not fact.blocks) or [_ready()]


def blocking_reason(situation: Situation) -> str | None:
    """The observer's word for what keeps a waiting item from every beacon, None where no beacon is the reason."""
    return next((OBSERVED[fact.code] for fact in _of_beacons(situation) if fact.blocks), None)


def eligible(situation: Situation) -> list[Candidate]:
    """The beacons that may ever take the item, away or not: the one it names or is bound to, else all that are capable."""
    named = _pinned_to(situation)
    if named is not None:
        return [named]
    return [] if situation.strict else [candidate for candidate in situation.candidates if candidate.able]


def _pinned_to(situation: Situation) -> Candidate | None:
    """A name goes before a binding; a strict item heeds no binding, nor does one that the bound beacon cannot do."""
    if not situation.affinity_key:
        return None
    named = next((candidate for candidate in situation.candidates if candidate.name == situation.affinity_key), None)
    if named is not None or situation.strict or situation.bound is None:
        return named
    return next((candidate for candidate in situation.candidates if candidate.beacon_id == situation.bound and candidate.able), None)


def _of_time(situation: Situation) -> Iterator[Fact]:
    numbers = {"DueInMs": situation.due_ms}
    if situation.status == "RetryScheduled":
        said = "An attempt has failed; the item pauses before the next one."
        yield Fact("retry_pause", True, said, "Wait, or requeue the item to try again at once.", numbers)
    elif situation.status == "Delayed":
        yield Fact("delayed", True, "The item is not to be done before its time.", "Wait, or cancel it and submit it without a delay.", numbers)


def _of_operator(situation: Situation) -> Iterator[Fact]:
    if situation.capability_paused:
        said = f"The capability {situation.capability} is paused."
        yield Fact("capability_paused", True, said, "Resume the capability.", {"Capability": situation.capability})
    limit = situation.limit
    if limit is not None and limit.waits:
        said = f"The item waits for a permit of its concurrency key {limit.key}: {limit.held} of {limit.most} are taken."
        numbers = {"ConcurrencyKey": limit.key, "Held": limit.held, "Limit": limit.most}
        yield Fact("concurrency_limit", True, said, "Wait until one of them ends, or raise the limit.", numbers)


def _of_beacons(situation: Situation) -> Iterator[Fact]:
    pinned = _pinned_to(situation)
    if pinned is not None:
        yield from _of_pinned(situation, pinned)
    elif situation.strict:
        said = f"The item asks for a beacon called {situation.affinity_key}, and none is registered." if situation.affinity_key else _NAMELESS
        yield Fact("strict_affinity_unmet", True, said, "Start that beacon, or submit the item without RequireAffinityMatch.", _affinity(situation))
    else:
        yield from _of_capable(situation)


_NAMELESS = "The item requires a match of its affinity key, and has no key: no beacon can ever match."


def _of_pinned(situation: Situation, pinned: Candidate) -> Iterator[Fact]:
    numbers = _affinity(situation) | {"BeaconID": pinned.beacon_id}
    if not pinned.online:
        said = f"The item is tied to the beacon {pinned.name}, which is away."
        yield Fact("affinity_pinned_to_offline", True, said, "Start that beacon, or deregister it.", numbers)
    elif pinned.paused:
        yield Fact("beacon_paused", True, f"The item is tied to the beacon {pinned.name}, which is paused.", "Resume the beacon.", numbers)
    elif pinned.free <= 0:
        said = f"The item is tied to the beacon {pinned.name}, which has no free slot."
        yield Fact("affinity_beacon_busy", True, said, "Wait, or raise its MaxConcurrent.", numbers | {"Slots": pinned.slots})


def _of_capable(situation: Situation) -> Iterator[Fact]:
    capability = situation.capability
    capable = [candidate for candidate in situation.candidates if candidate.capable]
    able = [candidate for candidate in capable if candidate.able]
    online = [candidate for candidate in able if candidate.online]
    working = [candidate for candidate in online if not candidate.paused]
    numbers: dict[str, Any] = {"Capability": capability, "Action": situation.action, "Registered": len(able), "Online": len(online)}
    if not capable:
        said = f"No beacon with the capability {capability} is registered."
        yield Fact("no_such_capability", True, said, "Start a beacon that has it; check how the capability is spelled.", numbers)
    elif not able:
        said = f"No beacon with the capability {capability} takes the action {situation.action}."
        yield Fact("no_such_action", True, said, "Start a beacon that takes it; see GET /Beacon/Actions for how actions are spelled.", numbers)
    elif not online:
        said = f"Every beacon that takes {capability} {situation.action} is away."
        yield Fact("no_beacon_online", True, said, "Start one of them.", numbers | {"BeaconIDs": _ids(able)})
    elif not working:
        said = f"Every beacon that takes {capability} {situation.action} and is online is paused."
        yield Fact("beacon_paused", True, said, "Resume one of them.", numbers | {"BeaconIDs": _ids(online)})
    elif not any(candidate.free > 0 for candidate in working):
        slots = sum(candidate.slots for candidate in working)
        said = f"All {slots} slots of the {len(working)} beacons that take {capability} {situation.action} are taken."
        yield Fact("all_eligible_busy", True, said, "Wait, start more beacons, or raise MaxConcurrent.", numbers | {"Slots": slots})


def _ids(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.beacon_id for candidate in candidates[:NAMED]]


def _of_queue(situation: Situation) -> Iterator[Fact]:
    if situation.ahead:
        some = f"More than {situation.ahead}" if situation.more_ahead else str(situation.ahead)
        said = f"{some} waiting items of this capability come first."
        yield Fact(
            "ahead_in_queue", False, said, "Wait, or give the item a higher priority.", {"Ahead": situation.ahead, "More": situation.more_ahead}
        )
    if situation.lane:
        said = f"{situation.lane} commands wait for the worker, the oldest for {situation.lane_ms} ms."
        advice = "Nothing, if the number falls; else see that a worker runs."
        yield Fact("lane_waits_for_flush", False, said, advice, {"Entries": situation.lane, "LagMs": situation.lane_ms})


def _ready() -> Fact:
    return Fact("ready", False, "Nothing keeps the item: a free beacon gets it with the next round.", "Nothing. If it stays, see that a worker runs.")


def _running(situation: Situation) -> Fact:
    said = f"The beacon {situation.told.get('BeaconID')} is working on it."
    return Fact("running", False, said, "Nothing; TimeoutAt says when the attempt ends at the latest.", situation.told)


def _ended(situation: Situation) -> Fact:
    said = f"The item has ended: {situation.status}."
    return Fact(
        "ended",
        False,
        said,
        "Nothing." if situation.status == "Complete" else "Read LastError; submit it again if it is still wanted.",
        situation.told,
    )


def _affinity(situation: Situation) -> dict[str, Any]:
    return {"AffinityKey": situation.affinity_key}
