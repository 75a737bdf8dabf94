"""What can be kept: JSON as every engine takes it. Judged before a run changes, for what cannot be stored would stop its lane."""

from __future__ import annotations

from typing import Any

import orjson

#: How a NUL looks in JSON.
_NUL = b"\\u0000"


def trouble_with(value: Any) -> str:
    """Why the value cannot be kept, empty when it can.

    >>> trouble_with({"a": 1}), trouble_with({"a": 2**80}), trouble_with({"a": chr(0)})
    ('', 'Integer exceeds 64-bit range', 'a text holds the character U+0000')
    """
    try:
        text = orjson.dumps(value)
    except (TypeError, RecursionError) as error:
        return str(error)[:200]
    # The bytes alone do not tell: a backslash before them makes them a text about a NUL.
    return "a text holds the character U+0000" if _NUL in text and has_nul(orjson.loads(text)) else ""


def has_nul(value: Any) -> bool:
    """Whether a text in it holds U+0000, which PostgreSQL does not store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(has_nul, value))


def said(text: str) -> str:
    """A message as it can be kept.

    >>> said("a" + chr(0) + "b" + chr(0xD800))
    'a b?'
    """
    return text.replace("\0", " ").encode(errors="replace").decode()
