"""Whether a beacon counts as there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: A beacon that does not say how often it makes contact: the original's client does so each 30 s, and misses are forgiven twice.
DEFAULT_PRESENCE_MS = 90_000
#: How long such a client, whose connection has ended, may take to come back: it tries after 10 s, and needs a moment to log in and register.
RETURN_MS = 15_000
#: Contacts that may fail before a beacon counts as lost.
MISSED = 3
#: Time that one contact may take on a loaded machine, in milliseconds.
SLACK_MS = 1_000

#: A beacon's status in our rows, as observers call it (ultravisor-hub 9.1).
LIVENESS = {"Online": "Alive", "Suspect": "Suspect", "Offline": "Dead", "Deregistered": "Dead"}


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of a beacon's contact: times in milliseconds, `last` None when it is not known in this life of the broker.

    A negative `last` says since when the beacon is known to be gone: its connection has ended and it did not come back.
    """

    status: str
    last: int | None
    watched_since: int
    presence_ms: int
    registered: int = 0


def judge_presence(contact: Contact, now: int) -> Literal["lost", "late", "back", "same"]:
    """What silence or contact means, counting silence only while somebody listened.

    `late` for an online beacon that was silent for half of the time after which it is lost (one contact and a half): it gets no new
    work and keeps what it has. `lost` when that time is over or it is known to be gone, `back` for contact of one that was late or lost.
    One that promises nothing is late when its connection ends, and lost when it has not come back after `RETURN_MS`.
    """
    heard = contact.last is not None and now - contact.last <= contact.presence_ms // 2
    if contact.status == "Offline":
        return "back" if heard else "same"
    if contact.last is not None and contact.last < 0:
        return _judge_gone(contact, now)
    silent = now - max(contact.last or 0, contact.watched_since)
    if silent > contact.presence_ms:
        return "lost"
    if contact.status == "Suspect":
        return "back" if heard else "same"
    return "late" if silent > contact.presence_ms // 2 else "same"


def _judge_gone(contact: Contact, now: int) -> Literal["lost", "late", "same"]:
    """Of a beacon whose connection has ended."""
    assert contact.last is not None
    if -contact.last < contact.registered:
        return "same"  # it has registered since: the word is of an earlier connection
    if contact.presence_ms != DEFAULT_PRESENCE_MS or now + contact.last >= RETURN_MS:
        return "lost"
    return "late" if contact.status == "Online" else "same"


def presence_ms(heartbeat_ms: int | None) -> int:
    """The silence after which a beacon that promises contact each `heartbeat_ms` counts as lost.

    >>> presence_ms(3000)
    10000
    """
    return DEFAULT_PRESENCE_MS if heartbeat_ms is None else MISSED * heartbeat_ms + SLACK_MS


def heartbeat_ms(presence: int) -> int:
    """Inverse of `presence_ms`: how often a beacon that is forgiven so much silence makes contact.

    >>> heartbeat_ms(10000), heartbeat_ms(DEFAULT_PRESENCE_MS)
    (3000, 29666)
    """
    return max(1, (presence - SLACK_MS) // MISSED)
