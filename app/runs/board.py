"""Operations as people look for one: by a text, a page at a time, each with the newest of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from app.runs.outputs import whole
from schema.runs.tables import node, operation, revision, run
from schema.runs.wire import outputs_record

Row = Mapping[Any, Any]
Rows = Sequence[Row]

#: Runs that are shown of each operation.
NEWEST_RUNS = 5

_by_name = sa.func.lower(operation.c.name)
_STORED = sa.select(operation, revision.c.document, _by_name.label("by")).join(revision, revision.c.id == operation.c.revision_id)
#: A node may be looked for as well: which operations write files, and which launch that one?
_TEXTS = (operation.c.name, operation.c.hash, sa.cast(revision.c.document, sa.Text))
_SHOWN = [run.c[name] for name in ("run_hash", "operation_hash", "status", "started_at", "stopped_at", "last_event_at", "errors", "ticket")]


def operations(hub: str, text: str, limit: int, after: Sequence[str] | None) -> Rows:
    """Operations by name, those that hold the text; `after` is the name and hash of the last one seen."""
    found = _STORED.where(operation.c.hub == hub, operation.c.deleted_at.is_(None)).order_by(_by_name, operation.c.hash).limit(limit)
    if text:
        found = found.where(sa.or_(*(column.ilike(_like(text), escape="\\") for column in _TEXTS)))
    if after is not None:
        name, hash = after
        found = found.where(sa.or_(_by_name > name, sa.and_(_by_name == name, operation.c.hash > hash)))
    return ask(found)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def newest_runs(hub: str, hashes: Sequence[str]) -> dict[str, list[Row]]:
    """The newest runs of each of these operations: as many walks of a few steps along the index."""
    found: dict[str, list[Row]] = {hash: [] for hash in hashes}
    for row in ask(sa.union_all(*(_newest(hub, hash) for hash in hashes))) if hashes else ():
        found[row["operation_hash"]].append(row)
    return {hash: sorted(rows, key=lambda row: str(row["ticket"]), reverse=True) for hash, rows in found.items()}


def _newest(hub: str, hash: str) -> sa.Select[Any]:
    mine = sa.select(*_SHOWN).where(run.c.hub == hub, run.c.operation_hash == hash)
    # Within a select of its own: SQLite knows no limit for a part of a union.
    return sa.select(mine.order_by(run.c.ticket.desc()).limit(NEWEST_RUNS).subquery())


def outputs_of(run_hash: str, node_hash: str) -> Mapping[str, Any] | None:
    """What a node has brought, large outputs among them; None where there is no such node."""
    found = next(iter(ask(sa.select(node.c.outputs, node.c.stored).where(node.c.run_hash == run_hash, node.c.node_hash == node_hash))), None)
    return None if found is None else outputs_record(found, whole([found]))
