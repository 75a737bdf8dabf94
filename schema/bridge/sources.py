"""Which of our tables are kept elsewhere, as what, and who belongs to whom. Parents come before their children."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.bridge import records
from schema.bridge.rules.retention import Ending
from schema.hub import tables as hub
from schema.hub.rules.lifecycle import FINAL
from schema.runs import tables as runs
from schema.runs.rules import run


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
    #: When it has ended; None for a child, which ends with its parent.
    ending: Ending | None = None

    @property
    def name(self) -> str:
        return self.table.name


_ITEM_ENDS = Ending(tuple(sorted(FINAL)), ("Canceled",), "last_event_at", "LastEventAt")
_RUN_ENDS = Ending(run.FINAL, ("Canceled", "Abandoned"), "stopped_at", "StopTime")
_ITEM, _ATTEMPT = ("WorkItemHash",), ("WorkItemHash", "AttemptNumber")

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(hub.work_item, "UVQueueWorkItem", records.work_item, _ITEM, _ITEM, ending=_ITEM_ENDS),
        Source(hub.work_attempt, "UVQueueWorkItemAttempt", records.work_attempt, _ATTEMPT, _ATTEMPT, "hub_work_item"),
        Source(hub.work_event, "UVQueueWorkItemEvent", records.work_event, ("WorkItemHash", "Seq"), ("EventGUID",), "hub_work_item"),
        Source(runs.run, "UVManifest", records.manifest, ("Hash",), ("Hash",), ending=_RUN_ENDS),
    )
}
