"""Positions in a list, as clients carry them from page to page."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson


def cursor_of(position: Any) -> str:
    """A position as clients carry it: opaque, so that they do not come to rely on what it is made of.

    >>> position_of(cursor_of(["2025-01-02", "a"]))
    ['2025-01-02', 'a']
    """
    return urlsafe_b64encode(orjson.dumps(position)).rstrip(b"=").decode()


def position_of(cursor: str) -> Any:
    """Inverse of `cursor_of`. Raises ValueError for what was never one."""
    data = cursor.encode("ascii", "replace")
    return orjson.loads(urlsafe_b64decode(data + b"=" * (-len(data) % 4)))
