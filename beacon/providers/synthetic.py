"""Synthetic: work that only takes time, and fails as often as it is told to. The load generator of lab exercises."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from beacon.providers.contract import Action, Context, Outputs, ProviderError, Setting

PROGRESS_SECONDS = 0.25
#: Filler that one item may ask for, in bytes.
LARGEST_FILLER = 10 * 1024 * 1024
_FILLER = "The quick brown fox jumps over the lazy dog. "


class Synthetic:
    """Takes about `DurationMs`, tells progress four times a second, and fails with probability `FailRate`.

    Whether it fails is drawn once per attempt, and it then happens between 30 and 70 % of the duration. `FailRate` 1 always fails.
    An unknown action is a result that says `Success` false, not an error.
    """

    def __init__(
        self, capability: str = "Synthetic", actions: Sequence[str] = ("Process",), duration_ms: float = 2000, chance: random.Random | None = None
    ) -> None:
        self.capability = capability
        self.actions = tuple(Action(name, f"Pretends to {name}.", _settings(duration_ms)) for name in actions)
        self._duration_ms = duration_ms
        self._chance = chance or random.Random()  # noqa: S311 - imitates luck, guards nothing

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        """Raises: ProviderError when it fails as asked or a setting is no number, TimedOut, Cancelled."""
        if action not in {known.name for known in self.actions}:
            return {"Success": False, "Action": action, "Capability": self.capability, "Error": f"Unknown action {action}."}
        jitter = _number(settings, "JitterMs", 0)
        duration_ms = max(0.0, _number(settings, "DurationMs", self._duration_ms) + self._chance.uniform(-jitter, jitter))
        started, began = time.time(), time.monotonic()
        if self._chance.random() < _number(settings, "FailRate", 0):
            share = self._chance.uniform(0.3, 0.7)
            _last(duration_ms / 1000, share, context)
            raise ProviderError(f"Synthetic failure at {share * 100:.0f} % of {duration_ms:.0f} ms.")
        _last(duration_ms / 1000, 1.0, context)
        lines = int(_number(settings, "LogLines", 0))
        for line in range(lines):
            context.log(f"{self.capability}/{action}: synthetic line {line + 1} of {lines}")
        return {
            "Success": True,
            "Action": action,
            "Capability": self.capability,
            "DurationMs": round(duration_ms),
            "StartedAt": round(started * 1000),
            "FinishedAt": round(time.time() * 1000),
            "ElapsedMs": round((time.monotonic() - began) * 1000),
            **_filler(int(_number(settings, "OutputBytes", 0))),
        }


def _last(duration: float, share: float, context: Context) -> None:
    """Waits for a share of the duration and tells progress on the way; never 100, which only the report may say."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < duration * share:
        if elapsed >= PROGRESS_SECONDS:
            context.progress(min(99, round(elapsed / duration * 100)), "synthetic work")
        context.pause(min(PROGRESS_SECONDS, duration * share - elapsed))


def _filler(size: int) -> Outputs:
    size = min(size, LARGEST_FILLER)
    return {"Filler": (_FILLER * (size // len(_FILLER) + 1))[:size]} if size > 0 else {}


def _number(settings: dict[str, Any], name: str, default: float) -> float:
    value = settings.get(name)
    try:
        return default if value is None or value == "" else max(0.0, float(value))
    except (TypeError, ValueError):
        raise ProviderError(f"{name} must be a number.") from None


def _settings(duration_ms: float) -> tuple[Setting, ...]:
    return (
        Setting("DurationMs", "Number", "How long the work takes.", default=duration_ms),
        Setting("JitterMs", "Number", "The duration varies by up to this, either way.", default=0),
        Setting("FailRate", "Number", "Probability of failing, 0 to 1.", default=0),
        Setting("LogLines", "Number", "Lines of log that are made up.", default=0),
        Setting("OutputBytes", "Number", "Size of a filler text in the result.", default=0),
    )
