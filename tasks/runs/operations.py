"""Store operations, each change as a revision of its own; and node templates."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import sqlalchemy as sa

from schema.base import Event
from schema.hub.ids import named_id
from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import DeleteOperation, DeleteTemplate, SaveOperation, SaveTemplate
from schema.runs.ids import LONGEST_HASH
from schema.runs.rules.graph import BadGraph, plan_of
from schema.runs.tables import operation, revision, template
from schema.runs.wire import document_of, operation_record
from tasks.rows import Row
from tasks.unit import Unit


def save_operation(command: SaveOperation, unit: Unit) -> Outcome:
    """Merge what was sent into what is there, and keep it as the next revision. What changes nothing makes none."""
    hash = command.operation_hash or _fresh_hash(unit, command.hub)
    id = named_id(command.hub, hash)
    known = unit.find(operation, (id,))
    gone = known is None or known["deleted_at"] is not None
    if gone and command.must_exist:
        return Refused("not_found", f"There is no operation {hash}.")
    if command.source_beacon and known is not None and not gone and known["source_beacon"] != command.source_beacon:
        return Refused("forbidden", f"The operation {hash} was not brought by the beacon {command.source_beacon}.")
    if command.expected is not None and (gone or known is None or known["revision"] != command.expected):
        found = 0 if gone or known is None else known["revision"]
        return Refused("stale", f"The operation is at revision {found}, not {command.expected}.", {"Revision": found})
    before = {} if gone or known is None else _document(unit, known)
    document = document_of({**before, **command.document, "Hash": hash})
    try:
        plan = plan_of(document)
    except (BadGraph, AttributeError, TypeError) as error:
        return Refused("invalid", f"The graph cannot be walked: {error}", {"Fields": {"Graph": [str(error)]}})
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
    row = _stored(command, unit, known, document, digest, len(plan.nodes))
    return Done(operation_record(document, row))


def _stored(command: SaveOperation, unit: Unit, known: Row | None, document: dict[str, Any], digest: str, nodes: int) -> Row:
    hash = document["Hash"]
    id = named_id(command.hub, hash)
    number = 1 if known is None else known["revision"]
    same = known is not None and known["deleted_at"] is None and _digest(unit, known["revision_id"]) == digest
    if known is not None and not same:
        number += 1
    revision_id = unit.new_id()
    values = {
        "revision_id": revision_id,
        "name": str(document["Name"])[:500],
        "revision": number,
        "node_count": nodes,
        "updated_at": unit.now,
        "deleted_at": None,
    }
    if same:
        assert known is not None
        return known
    if known is None:
        row = {"id": id, "hub": command.hub, "hash": hash, "source_beacon": command.source_beacon, "created_at": unit.now, **values}
        unit.add(operation, row)
    else:
        unit.amend(operation, (id,), values)
        row = {**known, **values}
    own = {"id": revision_id, "operation_id": id, "number": number, "document": document, "digest": digest}
    unit.add(revision, own | {"actor": str(unit.actor), "saved_at": unit.now})
    unit.announce(Event("run", "operation.saved", {"OperationHash": hash, "Revision": number}))
    return row


def _document(unit: Unit, row: Row) -> dict[str, Any]:
    return dict(unit.read(sa.select(revision.c.document).where(revision.c.id == row["revision_id"])).scalar_one())


def _digest(unit: Unit, revision_id: str) -> str | None:
    found: str | None = unit.read(sa.select(revision.c.digest).where(revision.c.id == revision_id)).scalar()
    return found


def _fresh_hash(unit: Unit, hub: str) -> str:
    """`OPR-NNNN`, the next that nobody has."""
    number = unit.read(sa.select(sa.func.count()).select_from(operation).where(operation.c.hub == hub)).scalar_one()
    while True:
        number += 1
        hash = f"OPR-{number:04d}"
        if unit.find(operation, (named_id(hub, hash),)) is None:
            return hash


def delete_operation(command: DeleteOperation, unit: Unit) -> Outcome:
    """Mark it as deleted. Its revisions stay, for the runs that have them."""
    id = named_id(command.hub, command.operation_hash[:LONGEST_HASH])
    known = unit.find(operation, (id,))
    if known is None or known["deleted_at"] is not None:
        return Refused("not_found", f"There is no operation {command.operation_hash}.")
    unit.amend(operation, (id,), {"deleted_at": unit.now})
    unit.announce(Event("run", "operation.deleted", {"OperationHash": command.operation_hash}))
    return Done({"Status": "Deleted", "Hash": command.operation_hash})


def save_template(command: SaveTemplate, unit: Unit) -> Outcome:
    """Merge what was sent into what is there."""
    hash = command.template_hash or _fresh_template(unit, command)
    id = named_id(command.hub, f"template {hash}")
    known = unit.find(template, (id,))
    if known is None and command.must_exist:
        return Refused("not_found", f"There is no node template {hash}.")
    document = {**(known["document"] if known else {}), **command.document, "Hash": hash}
    if known is None:
        unit.add(template, {"id": id, "hub": command.hub, "hash": hash, "document": document, "updated_at": unit.now})
    else:
        unit.amend(template, (id,), {"document": document, "updated_at": unit.now})
    return Done(document)


def _fresh_template(unit: Unit, command: SaveTemplate) -> str:
    """`TMPL-<TYPE>-NNN`, the next that nobody has."""
    type = str(command.document.get("Type") or "NODE").upper()[:60]
    number = 0
    while True:
        number += 1
        hash = f"TMPL-{type}-{number:03d}"
        if unit.find(template, (named_id(command.hub, f"template {hash}"),)) is None:
            return hash


def delete_template(command: DeleteTemplate, unit: Unit) -> Outcome:
    """Forget it."""
    id = named_id(command.hub, f"template {command.template_hash}")
    if unit.change(sa.delete(template).where(template.c.id == id)).rowcount == 0:
        return Refused("not_found", f"There is no node template {command.template_hash}.")
    return Done({"Status": "Deleted", "Hash": command.template_hash})
