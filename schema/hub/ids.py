"""Keys of rows that are found by what a caller has named: one column, whatever the name, and of one length."""

from __future__ import annotations

from hashlib import sha256


def named_id(hub: str, name: str) -> str:
    """40 hex digits for a name within a hub.

    >>> named_id("h", "a") == named_id("h", "a") != named_id("g", "a")
    True
    """
    return sha256(f"{hub}\0{name}".encode()).hexdigest()[:40]
