"""What an item is about, in one line."""

from __future__ import annotations

from typing import Any

import orjson

#: Letters of such a line.
PREVIEW_LETTERS = 160


def preview(settings: Any) -> str:
    """Its command, else its first text, else its settings.

    >>> preview({"Command": "ls\\n -l"}), preview({"N": 1, "Path": "/x"}), preview({"N": 1}), preview({})
    ('ls -l', '/x', '{"N":1}', '')
    """
    if not settings:
        return ""
    if not isinstance(settings, dict):
        return line(orjson.dumps(settings).decode())
    texts = [value for value in [settings.get("Command"), *settings.values()] if isinstance(value, str) and value]
    return line(texts[0] if texts else orjson.dumps(settings).decode())


def line(text: str) -> str:
    """The beginning of a text, with single spaces for all that is between its words.

    >>> line("two\\n  lines")
    'two lines'
    """
    return " ".join(text[: 4 * PREVIEW_LETTERS].split())[:PREVIEW_LETTERS]
