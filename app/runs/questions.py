"""What is asked about operations and runs. Lists are read page by page along an index; a run is three statements, however long it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from schema.hub.ids import named_id
from schema.hub.tables import beacon
from schema.runs.catalog import built_in, cards
from schema.runs.rules.nodes import BUSY
from schema.runs.tables import node, operation, revision, run, run_event, template
from schema.runs.types.base import Task

Row = Mapping[Any, Any]
Rows = Sequence[Row]

#: Pieces of history that one manifest shows: a longer one is asked for page by page (/Manifest/<RunHash>/Events).
MOST_EVENTS = 10_000

_STORED = sa.select(operation, revision.c.document).join(revision, revision.c.id == operation.c.revision_id)
_SCHEMAS = sa.select(beacon.c.action_schemas).where(beacon.c.hub == sa.bindparam("of_hub")).order_by(beacon.c.registered_at)
_SUMMARY = [column for column in run.c if column.name not in ("state", "parent")]


def operations(hub: str, limit: int, after: str | None) -> Rows:
    """Operations that can be started, by their hash."""
    mine = _STORED.where(operation.c.hub == hub, operation.c.deleted_at.is_(None)).order_by(operation.c.hash).limit(limit)
    return ask(mine if after is None else mine.where(operation.c.hash > after))


def operation_by_hash(hub: str, hash: str) -> Row | None:
    found = ask(_STORED.where(operation.c.id == named_id(hub, hash), operation.c.deleted_at.is_(None)))
    return next(iter(found), None)


def revisions(hub: str, hash: str) -> Rows:
    """What an operation was, newest first, without the documents."""
    columns = [revision.c[name] for name in ("number", "digest", "actor", "saved_at")]
    mine = revision.c.operation_id == named_id(hub, hash)
    return ask(sa.select(*columns).where(mine).order_by(revision.c.number.desc()).limit(1_000))


def document_of(hub: str, hash: str, number: int) -> Row | None:
    """One revision, whole."""
    mine = (revision.c.operation_id == named_id(hub, hash)) & (revision.c.number == number)
    return next(iter(ask(sa.select(revision).where(mine))), None)


def templates(hub: str, limit: int, after: str | None) -> Rows:
    mine = sa.select(template).where(template.c.hub == hub).order_by(template.c.hash).limit(limit)
    return ask(mine if after is None else mine.where(template.c.hash > after))


def template_by_hash(hub: str, hash: str) -> Row | None:
    return next(iter(ask(sa.select(template).where(template.c.id == named_id(hub, f"template {hash}")))), None)


def task_types(hub: str, local_shell: bool) -> dict[str, Task]:
    """Every task type: a beacon's card, unless there is a built-in type of that name."""
    schemas = ask(_SCHEMAS, {"of_hub": hub})
    made = cards(row for found in schemas for row in found["action_schemas"] if isinstance(row, Mapping))
    return {**made, **built_in(local_shell)}


def runs(hub: str, limit: int, after: str | None, status: str = "", of: str = "") -> Rows:
    """Runs, newest first; `after` is the ticket of the last one seen."""
    found = sa.select(*_SUMMARY).where(run.c.hub == hub).order_by(run.c.ticket.desc()).limit(limit)
    if status:
        found = found.where(run.c.status == status)
    if of:
        found = found.where(run.c.operation_hash == of)
    return ask(found if after is None else found.where(run.c.ticket < after))


def run_by_hash(hub: str, hash: str) -> Row | None:
    found = next(iter(ask(sa.select(run).where(run.c.run_hash == hash))), None)
    return found if found is not None and found["hub"] == hub else None


def standing_of(hub: str, hash: str) -> Row | None:
    """A run's state and the Seq of its newest event, without the rest."""
    return next(iter(ask(sa.select(run.c.status, run.c.seq).where(run.c.run_hash == hash, run.c.hub == hub))), None)


def place_of(hash: str, guid: str) -> int | None:
    """The Seq of an event of a run, None when the run has none of that id."""
    found = next(iter(ask(sa.select(run_event.c.run_hash, run_event.c.seq).where(run_event.c.event_guid == guid))), None)
    return int(found["seq"]) if found is not None and found["run_hash"] == hash else None


def runs_of(hub: str, hashes: Sequence[str]) -> Rows:
    return ask(sa.select(run).where(run.c.hub == hub, run.c.run_hash.in_(list(hashes))))


def nodes_of(hashes: Sequence[str]) -> Rows:
    return ask(sa.select(node).where(node.c.run_hash.in_(list(hashes))).order_by(node.c.started_at, node.c.node_hash))


def busy_nodes(hashes: Sequence[str]) -> Rows:
    """What runs wait for."""
    names = ("run_hash", "node_hash", "status", "waiting", "started_at", "due_at")
    mine = node.c.run_hash.in_(list(hashes)) & node.c.status.in_(BUSY)
    return ask(sa.select(*(node.c[name] for name in names)).where(mine).order_by(node.c.started_at))


def events_of(hash: str, limit: int = MOST_EVENTS, after: int = 0) -> Rows:
    """A run's history in order, from the event after number `after`."""
    mine = (run_event.c.run_hash == hash) & (run_event.c.seq > after)
    return ask(sa.select(run_event).where(mine).order_by(run_event.c.seq).limit(limit))


def events_of_many(hashes: Sequence[str]) -> dict[str, list[Row]]:
    """The histories of some runs."""
    mine = sa.select(run_event).where(run_event.c.run_hash.in_(list(hashes))).order_by(run_event.c.run_hash, run_event.c.seq).limit(50_000)
    found: dict[str, list[Row]] = {}
    for row in ask(mine):
        found.setdefault(row["run_hash"], []).append(row)
    return found


def asking(hub: str, limit: int, after: str | None) -> Rows:
    """Runs that wait for somebody's word, the oldest first."""
    waits = run.c.status.in_(("Waiting", "In Progress", "Retrying")) & (run.c.waiting > 0)
    found = sa.select(*_SUMMARY).where(run.c.hub == hub, waits).order_by(run.c.ticket).limit(limit)
    return ask(found if after is None else found.where(run.c.ticket > after))
