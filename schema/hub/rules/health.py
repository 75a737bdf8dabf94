"""How well an item is doing, from 0 to 1: the worst of the dimensions that apply to it. Computed when somebody looks; nothing keeps it.

A board has thousands of items, so these values are plain tuples: they cost a fraction of what records do.
"""

from __future__ import annotations

from typing import NamedTuple

from schema.hub.rules.lifecycle import HELD, QUEUED

#: An attempt that is younger and has said nothing tells nothing.
YOUNG_MS = 2_000
UNKNOWN = "Unknown"
#: The name of the reason where no dimension is below 1.
NOMINAL = "nominal"
NO_SIGNAL = "insufficient_signal"


class Signs(NamedTuple):
    """What is known of an item, in milliseconds before now; None where nothing is.

    `tries` are dispatches that count: an attempt that was lost with its beacon is not the item's fault. `silent_ms` is the time since the
    newest sign of life: of the item, or of the beacon that holds it. `expected_wait_ms` is the 95th percentile of what its like waited.
    """

    status: str
    tries: int
    max_attempts: int
    timeout_ms: int = 0
    heartbeat_ms: int = 0
    waited_ms: int | None = None
    expected_wait_ms: int | None = None
    running_ms: int | None = None
    silent_ms: int | None = None
    #: Whether the current attempt has said anything.
    reported: bool = False


class Health(NamedTuple):
    """`value` is None and `label` Unknown where there is too little to judge by."""

    value: float | None
    label: str
    reason: str


#: What each dimension is made of: its formula, and the signs in it under the wire's names.
FORMULAS: dict[str, tuple[str, dict[str, str]]] = {
    "retry_burn": ("1 - (Tries - 1) / MaxAttempts", {"Tries": "tries", "MaxAttempts": "max_attempts"}),
    "queue_wait": ("1 - WaitedMs / (3 * ExpectedWaitP95Ms)", {"WaitedMs": "waited_ms", "ExpectedWaitP95Ms": "expected_wait_ms"}),
    "timeout_proximity": ("1 - RunningMs / TimeoutMs", {"RunningMs": "running_ms", "TimeoutMs": "timeout_ms"}),
    "event_freshness": ("1 - SilentMs / (2 * HeartbeatExpectedMs)", {"SilentMs": "silent_ms", "HeartbeatExpectedMs": "heartbeat_ms"}),
}

_NO_SIGNAL = Health(None, UNKNOWN, NO_SIGNAL)


def health_of(signs: Signs) -> Health:
    """The item's health: the least of its dimensions.

    >>> health_of(Signs("Running", tries=1, max_attempts=1, timeout_ms=10_000, running_ms=5_000))
    Health(value=0.5, label='Uncertain', reason='timeout_proximity')
    """
    if is_unknown(signs):
        return _NO_SIGNAL
    worst, reason = 1.0, NOMINAL
    for name, score in scores_of(signs):
        if score < worst:
            worst, reason = score, name
    value = min(1.0, max(0.0, round(worst, 4)))
    return Health(value, label_of(value), reason)


def label_of(value: float) -> str:
    """The word for a health: `Healthy` from 0.6, `Uncertain` from 0.3."""
    return "Healthy" if value >= 0.6 else "Uncertain" if value >= 0.3 else "Unhealthy"


def is_unknown(signs: Signs) -> bool:
    """Whether there is too little to judge by: an attempt that has just begun, a first wait without anything to compare it with."""
    if signs.status in HELD:
        return (signs.running_ms or 0) < YOUNG_MS and not signs.reported
    return signs.tries <= 1 and not signs.expected_wait_ms and signs.status in QUEUED


def scores_of(signs: Signs) -> list[tuple[str, float]]:
    """Each dimension that applies to an item in its state, with its score; it may be below 0, which counts as 0."""
    scores = [("retry_burn", 1 - max(0, signs.tries - 1) / max(1, signs.max_attempts))]
    if signs.status in HELD:
        if signs.timeout_ms and signs.running_ms is not None:
            scores.append(("timeout_proximity", 1 - signs.running_ms / signs.timeout_ms))
        if signs.heartbeat_ms and signs.silent_ms is not None:
            scores.append(("event_freshness", 1 - signs.silent_ms / (2 * signs.heartbeat_ms)))
    elif signs.expected_wait_ms and signs.waited_ms is not None and signs.status in QUEUED:
        scores.append(("queue_wait", 1 - signs.waited_ms / (3 * signs.expected_wait_ms)))
    return scores
