"""The library: operations that come with the product, as files beside the code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parents[2] / "schema" / "runs" / "library"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\.json")


@cache
def _documents() -> dict[str, dict[str, Any]]:
    return {path.name: orjson.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))}


def entries() -> list[dict[str, Any]]:
    """What each file holds."""
    return [
        {
            "FileName": name,
            "Hash": found["Hash"],
            **{field: found.get(field, "") for field in ("Name", "Description", "Tags", "Author", "Version")},
            "NodeCount": len(found["Graph"]["Nodes"]),
        }
        for name, found in _documents().items()
    ]


def document(file_name: str) -> dict[str, Any] | None:
    """A file of the library; any other name is nobody's."""
    return _documents().get(file_name) if _NAME.fullmatch(file_name) else None
