"""What holds for an item whose sender says nothing about it: the action's defaults, else its capability's, else the house's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Defaults:
    """The policy of an action; None where it says nothing."""

    timeout_ms: int | None = None
    max_attempts: int | None = None
    retry_backoff_ms: int | None = None
    default_priority: int | None = None


#: What holds where nobody says anything.
HARD = Defaults(timeout_ms=300_000, max_attempts=1, retry_backoff_ms=5_000, default_priority=0)


def defaults_of(known: Mapping[tuple[str, str], Defaults], capability: str, action: str) -> Defaults:
    """Each value from the first that says it: exact action, the capability's wildcard (an empty action), the house.

    >>> defaults_of({("Shell", ""): Defaults(timeout_ms=5)}, "Shell", "Execute")
    Defaults(timeout_ms=5, max_attempts=1, retry_backoff_ms=5000, default_priority=0)
    """
    said = [known[key] for key in ((capability, action), (capability, "")) if key in known]
    return Defaults(*(next(v for one in (*said, HARD) if (v := getattr(one, f.name)) is not None) for f in fields(Defaults)))
