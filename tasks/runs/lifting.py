"""Large outputs lie in the content store, once for all that are alike; a node's row has only their digest and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from tasks.content.holding import let_go
from tasks.content.keeping import keep, kept
from tasks.rows import Row
from tasks.unit import Unit

#: What a node's row has of its large outputs: name -> digest and bytes.
Stored = Mapping[str, Any]


def lift(unit: Unit, before: Stored, outputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The outputs that stay in the row, and what it is to have of the others. What it had `before` and has no more is let go."""
    small: dict[str, Any] = {}
    stored: dict[str, dict[str, Any]] = {}
    for name, value in outputs.items():
        data = _large(value, unit.settings.output_store)
        if data is None:
            small[name] = value
            continue
        stored[name] = {"Digest": keep(unit, data), "Bytes": len(data)}
    if before:
        let_go(unit, Counter(found["Digest"] for found in before.values()))
    return small, stored or None


def _large(value: Any, most: int) -> bytes | None:
    """A large output as bytes, None for one that is not."""
    if isinstance(value, str) and len(value) * 4 < most:
        return None
    if not isinstance(value, str | list | dict):
        return None
    data = orjson.dumps(value)
    return data if len(data) >= most else None


def whole(unit: Unit, row: Row) -> dict[str, Any]:
    """The outputs of a node, large ones among them."""
    found_here: dict[str, Any] = row["outputs"]
    return found_here | {name: orjson.loads(kept(unit, found["Digest"])) for name, found in (row["stored"] or {}).items()}
