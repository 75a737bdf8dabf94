"""Whether a beacon counts as there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: A beacon that does not say how often it makes contact: the original's client does so each 30 s, and misses are forgiven twice.
DEFAULT_PRESENCE_MS = 90_000
#: Contacts that may fail before a beacon counts as lost.
MISSED = 3
#: Time that one contact may take on a loaded machine, in milliseconds.
SLACK_MS = 1_000


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of a beacon's contact: times in milliseconds, `last` None when it is not known in this life of the broker."""

    status: str
    last: int | None
    watched_since: int
    presence_ms: int


def judge_presence(contact: Contact, now: int) -> Literal["lost", "back", "same"]:
    """`lost` for an online beacon that was silent for longer than promised while somebody listened, `back` for the reverse."""
    if contact.status == "Online":
        heard = max(contact.last or 0, contact.watched_since)
        return "lost" if now - heard > contact.presence_ms else "same"
    return "back" if contact.last is not None and now - contact.last <= contact.presence_ms else "same"


def presence_ms(heartbeat_ms: int | None) -> int:
    """The silence after which a beacon that promises contact each `heartbeat_ms` counts as lost.

    >>> presence_ms(3000)
    10000
    """
    return DEFAULT_PRESENCE_MS if heartbeat_ms is None else MISSED * heartbeat_ms + SLACK_MS
