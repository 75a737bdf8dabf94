"""Where a waiting item stands. Each line is in order of rank, and a dispatch reads no line that cannot move.

So what blocks an item never blocks those behind it: it stands in another line until the cause is gone.

| line | who stands there |
|---|---|
| `*<capability>` | whoever any beacon of the capability may take |
| `@<name>` | whoever must go to the beacon of that name: named, bound by affinity, or strict, whether or not it is there |
| `#<key>` | whoever waits for a permit of its concurrency key |
| `!<capability>` | whoever wants a certain beacon and a capability that is paused |
"""

from __future__ import annotations


def general(capability: str) -> str:
    return f"*{capability}"


def named(beacon_name: str) -> str:
    return f"@{beacon_name}"


def keyed(concurrency_key: str) -> str:
    return f"#{concurrency_key}"


def paused(capability: str) -> str:
    return f"!{capability}"


def is_keyed(line: str) -> bool:
    """Whether who stands there has no permit yet."""
    return line.startswith("#")


def line_of(capability: str, affinity_key: str, strict: bool, beacon_name: str | None) -> str:
    """The line of an item that has its permit; `beacon_name` is the beacon that its affinity key means, None when it means none.

    >>> line_of("Shell", "", False, None), line_of("Shell", "blue", False, "ada"), line_of("Shell", "bob", True, None)
    ('*Shell', '@ada', '@bob')
    """
    if strict:
        return named(affinity_key)
    return general(capability) if beacon_name is None else named(beacon_name)
