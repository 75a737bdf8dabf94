"""What a verb returns: a value, or a typed refusal. Never an exception for what a user can cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from schema.errors import CODES


@dataclass(frozen=True, slots=True)
class Done:
    """The command was carried out. `value` is what the caller is told, in wire names; `status` the HTTP status."""

    value: dict[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was judged and declined; nothing that it asked for happened. `code` is a word of `schema.errors.CODES`."""

    code: str
    text: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return CODES[self.code][0]


Outcome = Done | Refused


def encode(outcome: Outcome) -> bytes:
    """The outcome as JSON bytes, as it lies in receipts and reply lists."""
    if isinstance(outcome, Done):
        return orjson.dumps([outcome.status, outcome.value])
    return orjson.dumps([outcome.status, {"code": outcome.code, "text": outcome.text, "details": outcome.details}, False])


def decode(data: bytes | str) -> Outcome:
    """Inverse of `encode`."""
    status, value, *refused = orjson.loads(data)
    return Refused(**value) if refused else Done(value, status)
