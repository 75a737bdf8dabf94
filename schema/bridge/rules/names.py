"""What databeacons are called."""

from __future__ import annotations

#: The one that comes with the hub: it serves connections that name none.
EMBEDDED = "embedded"


def beacon_named(name: str) -> str:
    """The databeacon that a client means, by name or by what other lists call it.

    >>> beacon_named("embedded"), beacon_named("bcn-embedded"), beacon_named("north")
    ('embedded', 'embedded', 'north')
    """
    return name.removeprefix("bcn-")
