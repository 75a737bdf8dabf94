"""A work item as the hub hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: A longer limit (30 years) is none; clocks cannot wait for it.
LONGEST_MS = 1e12


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One attempt at one item. `key` tells attempts of one item apart; `timeout_ms` 0 means no limit."""

    hash: str
    attempt: int
    capability: str
    action: str
    timeout_ms: float = 0
    # Out of repr: settings may hold secrets, and reprs end up in logs.
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> tuple[str, int]:
        return self.hash, self.attempt

    @classmethod
    def read(cls, wire: dict[str, Any]) -> WorkItem | None:
        """The item on the wire, or None when it has no hash and therefore cannot even be reported."""
        work_item_hash = wire.get("WorkItemHash")
        if not isinstance(work_item_hash, str) or not work_item_hash:
            return None
        attempt, timeout, settings = wire.get("AttemptNumber"), wire.get("TimeoutMs"), wire.get("Settings")
        return cls(
            hash=work_item_hash,
            attempt=attempt if isinstance(attempt, int) else 0,
            capability=str(wire.get("Capability") or ""),
            action=str(wire.get("Action") or ""),
            timeout_ms=timeout if isinstance(timeout, (int, float)) and 0 < timeout < LONGEST_MS else 0,
            settings=settings if isinstance(settings, dict) else {},
        )
