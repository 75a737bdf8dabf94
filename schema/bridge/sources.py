"""Which of our tables are kept elsewhere, as what, and who belongs to whom. Parents come before their children."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.bridge import records
from schema.hub import tables as hub


@dataclass(frozen=True, slots=True)
class Source:
    """A table of ours and the one in which its rows are kept."""

    table: sa.Table
    scope: str
    record: Callable[[Any], dict[str, Any]]
    #: The columns there that are our primary key, in its order.
    key: tuple[str, ...]
    #: The columns there that find a row beside its hub: those of its unique index.
    unique: tuple[str, ...]
    #: The table without whose row this one would stand alone; our key begins with its key.
    parent: str | None = None
    #: Whether a row, once made, never changes.
    final: bool = False

    @property
    def name(self) -> str:
        return self.table.name


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(hub.work_item, "UVQueueWorkItem", records.work_item, ("WorkItemHash",), ("WorkItemHash",)),
        Source(
            hub.work_attempt,
            "UVQueueWorkItemAttempt",
            records.work_attempt,
            ("WorkItemHash", "AttemptNumber"),
            ("WorkItemHash", "AttemptNumber"),
            "hub_work_item",
        ),
        Source(hub.work_event, "UVQueueWorkItemEvent", records.work_event, ("WorkItemHash", "Seq"), ("EventGUID",), "hub_work_item", final=True),
    )
}
