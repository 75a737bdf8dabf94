"""Make an upload a blob."""

from __future__ import annotations

import sqlalchemy as sa

from schema.content.commands import CHUNK_BYTES, SealUpload
from schema.content.tables import blob, chunk, upload
from schema.outcome import Done, Outcome, Refused
from tasks.unit import Unit

_TOUCH = (
    sa.update(blob).where(blob.c.digest == sa.bindparam("of_digest"), blob.c.size == sa.bindparam("of_size")).values(touched_at=sa.bindparam("at"))
)
_BROUGHT = sa.select(sa.func.count().label("chunks"), sa.func.sum(chunk.c.size).label("size")).where(chunk.c.upload_id == sa.bindparam("of_upload"))
_LEAVE_OPEN = sa.update(upload).where(upload.c.upload_id == sa.bindparam("of_upload"), upload.c.state == "Open").values(state=sa.bindparam("to"))


def seal(command: SealUpload, unit: Unit) -> Outcome:
    """Add the blob; or drop the upload where its digest has a blob already, which is the same content."""
    told = {"Digest": command.digest, "Size": command.size}
    if unit.change(_TOUCH, {"of_digest": command.digest, "of_size": command.size, "at": unit.now}).rowcount:
        unit.change(_LEAVE_OPEN, {"of_upload": command.upload, "to": "Dropped"})
        return Done(told)
    brought = unit.read(_BROUGHT, {"of_upload": command.upload}).one()
    if (brought.chunks, int(brought.size or 0)) != (command.chunks, command.size):
        return Refused("conflict", "Chunks of the upload are missing; begin again.", told)
    if not unit.change(_LEAVE_OPEN, {"of_upload": command.upload, "to": "Whole"}).rowcount:
        return Refused("conflict", "The upload was given up; begin again.", told)
    new = {"digest": command.digest, "size": command.size, "upload_id": command.upload, "chunk_bytes": CHUNK_BYTES}
    unit.add(blob, {**new, "refs": 0, "stored_at": unit.now, "touched_at": unit.now})
    return Done(told)
