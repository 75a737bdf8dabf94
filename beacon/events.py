"""One line per event: a constant word, then `key=value` fields. Settings of items never appear."""

from __future__ import annotations

import json
import logging

LOG = logging.getLogger("beacon")


def note(level: int, event: str, **fields: object) -> None:
    """One event is one log record; nothing is formatted when its level is switched off."""
    if LOG.isEnabledFor(level):
        LOG.log(level, "%s", " ".join((event, *(f"{name}={_plain(value)}" for name, value in fields.items()))))


def _plain(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    # Quoted when a reader could not tell where the value ends; JSON also keeps a foreign line break from faking a line of ours.
    return json.dumps(text) if not text.isprintable() or any(mark in text for mark in ' "=') or not text else text
