"""Numbers in addresses."""

from __future__ import annotations

from app.refusing import refuse


def number(text: str, what: str = "connection") -> int:
    """The id in an address; what is no id names nothing."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        refuse("not_found", f"There is no {what} {text}.")
    return int(text)
