"""Records in bodies: an object, or an array of objects."""

from __future__ import annotations

from typing import Any

from app.asking import body
from app.refusing import refuse

#: Rows of one request.
MOST = 1_000


def single() -> dict[str, Any]:
    """The one record."""
    given = body()
    if not isinstance(given, dict):
        refuse("bad_request", "The body must be a record: a JSON object.")
    return given


def listed() -> list[dict[str, Any]]:
    """The records."""
    given = body()
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        refuse("bad_request", "The body must be an array of records.")
    if not 0 < len(given) <= MOST:
        refuse("bad_request", f"The body must have 1 to {MOST} records.")
    return given
