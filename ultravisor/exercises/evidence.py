"""What SQL has of an exercise, read on a connection that cannot write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from schema.hub.tables import work_item
from schema.runs.rules.run import FINAL
from schema.runs.tables import run
from schema.settings import Settings
from ultravisor import database
from ultravisor.exercises.measuring import Item, Run

#: Hashes of one statement.
_MANY = 500
_ENDED = ("Complete", "Error", "Canceled")


def _parts(hashes: Collection[str]) -> Iterator[list[str]]:
    known = list(hashes)
    return (known[start : start + _MANY] for start in range(0, len(known), _MANY))


def _select(settings: Settings, statements: Iterator[sa.Select[Any]]) -> list[Mapping[Any, Any]]:
    with database.reading(settings) as connection:
        return [row for statement in statements for row in connection.execute(statement).mappings()]


def open_runs(settings: Settings, hashes: Collection[str]) -> set[str]:
    """Those of the runs that have not ended."""
    ended = (sa.select(run.c.run_hash).where(run.c.run_hash.in_(part), run.c.status.in_(FINAL)) for part in _parts(hashes))
    return set(hashes) - {row["run_hash"] for row in _select(settings, ended)}


def open_items(settings: Settings, hub_run: str) -> int:
    """How many items of a run of the hub have not ended."""
    wanted = sa.select(sa.func.count().label("n")).where(work_item.c.run_id == hub_run, work_item.c.status.not_in(_ENDED))
    return int(_select(settings, iter([wanted]))[0]["n"])


def runs(settings: Settings, bent: Mapping[str, bool]) -> list[Run]:
    """The runs; `bent` has their hashes, and whether their settings were."""
    columns = (run.c.run_hash, run.c.status, run.c.started_at, run.c.stopped_at)
    rows = _select(settings, (sa.select(*columns).where(run.c.run_hash.in_(part)) for part in _parts(bent)))
    return [Run(row["status"], row["started_at"], row["stopped_at"], bent[row["run_hash"]]) for row in rows]


def items(settings: Settings, run_ids: Collection[str]) -> list[Item]:
    """The items of these runs."""
    names = ("capability", "status", "enqueued_at", "dispatched_at", "completed_at", "canceled_at", "settings")
    columns = [work_item.c[name] for name in names]
    rows = _select(settings, (sa.select(*columns).where(work_item.c.run_id.in_(part)) for part in _parts(run_ids)))
    return [_item(row) for row in rows]


def _item(row: Mapping[Any, Any]) -> Item:
    ended = row["completed_at"] or row["canceled_at"]
    return Item(row["capability"], row["status"], row["enqueued_at"], row["dispatched_at"], ended, float(row["settings"].get("DurationMs") or 0))


def counts(found: Sequence[Item | Run]) -> dict[str, int]:
    """How many there are of each status."""
    return dict(sorted(Counter(each.status for each in found).items()))
