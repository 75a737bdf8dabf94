"""What waits in the journal, read from outside."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import redis

import schema
from schema import envelope as keys
from schema.settings import Settings


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane with entries that no transaction has taken yet."""

    name: str
    waiting: int
    #: Seconds for which its first entry has waited.
    seconds: float
    #: Whether a flush works on it, or on lanes of the same writer.
    flushed: bool


def waiting(client: redis.Redis, settings: Settings) -> list[Lane]:
    """Lanes that hold entries: applied ones are trimmed. Raises redis.RedisError."""
    names = sorted(cast(set[str], client.smembers(keys.LANES)))
    seconds, microseconds = client.time()
    found = []
    for name in names:
        length = client.xlen(keys.journal(name))
        first = cast(list[Any], client.xrange(keys.journal(name), count=1))
        if first:
            age = seconds + microseconds / 1e6 - int(first[0][0].split("-")[0]) / 1e3
            found.append(Lane(name, length, max(age, 0.0), bool(client.exists(keys.lease(_group(name, settings))))))
    return found


def _group(lane: str, settings: Settings) -> str:
    _declare_kinds()
    try:
        return keys.flush_group(lane, settings.one_writer)
    except KeyError:  # a lane of another release
        return lane


@cache
def _declare_kinds() -> None:
    """A domain's lanes are known once its commands are imported."""
    for module in pkgutil.iter_modules(schema.__path__, "schema."):
        if module.ispkg and find_spec(f"{module.name}.commands"):
            import_module(f"{module.name}.commands")
