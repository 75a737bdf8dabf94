"""Read the windows of a dispatch: a few statements for all of them, each branch a walk along an index that ends at its limit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from schema.hub.rules.windows import Window
from schema.hub.tables import work_item
from tasks.rows import Row
from tasks.unit import Unit

#: Windows of one statement.
BRANCHES = 32


def first_of(unit: Unit, hub: str, windows: Sequence[Window]) -> list[Row]:
    """The items in these windows, each once, in the order of dispatch."""
    found: dict[str, Row] = {}
    plain = [window for window in windows if window.action is None]
    narrow = [window for window in windows if window.action is not None]
    for kind in (plain, narrow):
        for start in range(0, len(kind), BRANCHES):
            part = kind[start : start + BRANCHES]
            for item in unit.read(_statement(_size(len(part)), kind is narrow), _parameters(hub, part)).mappings():
                found[item["work_item_hash"]] = item
    return sorted(found.values(), key=lambda item: (item["rank"], item["ticket"]))


def _size(count: int) -> int:
    """The next power of two: few statements are ever compiled and planned."""
    return 1 << (count - 1).bit_length()


def _parameters(hub: str, windows: Sequence[Window]) -> dict[str, Any]:
    padded = [*windows, *[Window("", "", 0)] * (_size(len(windows)) - len(windows))]
    found: dict[str, Any] = {"of_hub": hub}
    for n, window in enumerate(padded):
        found |= {f"line_{n}": window.line, f"most_{n}": window.most}
        if windows[0].action is not None:
            found[f"action_{n}"] = window.action
    return found


@lru_cache(maxsize=16)
def _statement(size: int, narrow: bool) -> sa.Executable:
    branches = [_branch(n, narrow) for n in range(size)]
    if size == 1:
        return branches[0]
    return sa.union_all(*(sa.select(branch.subquery()) for branch in branches))


def _branch(n: int, narrow: bool) -> sa.Select[Any]:
    item = work_item.c
    where = [item.hub == sa.bindparam("of_hub"), item.status == sa.literal_column("'Pending'"), item.line == sa.bindparam(f"line_{n}")]
    if narrow:
        where.append(item.action == sa.bindparam(f"action_{n}"))
    return sa.select(work_item).where(*where).order_by(item.rank, item.ticket).limit(sa.bindparam(f"most_{n}"))
