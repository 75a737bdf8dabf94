"""What happens to an envelope that fails again and again: it is tried with growing pauses, then laid among the dead letters."""

from __future__ import annotations

import traceback
from typing import Any

import redis

from schema import envelope as keys
from schema.envelope import Envelope, decode
from schema.ledger.tables import dead_letter, order
from schema.outcome import Outcome, Refused
from tasks.streams import Entry
from tasks.unit import Unit

#: Seconds before the second, third, fourth, fifth try. With these, and with the one in the batch, which may all take as long as a
#: flush may take, they stay below the 30 s that a lane may be held.
PAUSES = (0.2, 0.5, 1.0, 2.0)


def backoff(count: int) -> float:
    """Seconds to wait after the `count`-th failure.

    >>> [backoff(n) for n in (1, 2, 3, 4)]
    [0.2, 0.5, 1.0, 2.0]
    """
    return PAUSES[min(count, len(PAUSES)) - 1]


def count_try(client: redis.Redis, lane: str, entry: Entry) -> int:
    """Count a try of this entry before it starts. Returns which one it is."""
    pipe = client.pipeline()
    pipe.hincrby(keys.tries(lane), entry[0].decode(), 1)
    pipe.expire(keys.tries(lane), 3600)
    counted: list[Any] = pipe.execute()
    return int(counted[0])


def forget_try(client: redis.Redis, lane: str, entry: Entry) -> None:
    """Take a counted try back: what failed was not the envelope's fault."""
    client.hincrby(keys.tries(lane), entry[0].decode(), -1)


def bury(unit: Unit, entry: Entry, tries: int, error: Exception) -> list[tuple[Envelope, Outcome]]:
    """Add the dead letter. Returns the answer for the one who waits, if anybody does."""
    id = unit.new_id()
    envelope = _decoded(entry)
    unit.add(
        dead_letter,
        {
            "id": id,
            "lane": unit.lane,
            "command": _storable(envelope.command.name, 64) if envelope else "?",
            "actor": _storable(str(envelope.actor), 160) if envelope else "?",
            "error": _storable(f"{type(error).__name__}: {error}", 500),
            "traceback": _storable("".join(traceback.format_exception(error))),
            "tries": tries,
            "envelope": _storable(entry[1].decode("utf-8", "replace")),
            "died_at": unit.now,
        },
    )
    if envelope is None:
        return []
    unit.tell("ledger.buried", {"command": envelope.command})
    if envelope.order is not None:
        unit.change(order.delete().where(order.c.id == envelope.order))
    refusal = Refused("defect", "The command failed again and again and lies among the dead letters.", {"DeadLetter": id})
    return [(envelope, refusal)] if envelope.waited else []


def _storable(text: str, limit: int | None = None) -> str:
    """The text as every engine takes it, without NUL and lone surrogates: a burial that fails would hold its lane for ever."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()[:limit]


def _decoded(entry: Entry) -> Envelope | None:
    try:
        return decode(entry[1])
    except (KeyError, TypeError, ValueError):
        return None
