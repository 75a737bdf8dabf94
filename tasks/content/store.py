"""Keep a chunk of an upload."""

from __future__ import annotations

from base64 import b64decode

import sqlalchemy as sa

from schema.content.commands import StoreChunk
from schema.content.tables import chunk, upload
from schema.outcome import Done, Outcome, Refused
from tasks.unit import Unit

_THERE = sa.select(chunk.c.size).where(chunk.c.upload_id == sa.bindparam("of_upload"), chunk.c.number == sa.bindparam("of_number"))


def store(command: StoreChunk, unit: Unit) -> Outcome:
    """Add the chunk, and with the first one the upload. One that is there already stays as it is."""
    told = {"Upload": command.upload, "Number": command.number}
    known = unit.find(upload, (command.upload,))
    if known is None and command.number > 0:
        return Refused("not_found", "There is no such upload; begin again.", told)
    if known is not None and known["state"] == "Dropped":
        return Refused("conflict", "The upload was given up; begin again.", told)
    if known is None:
        unit.add(upload, {"upload_id": command.upload, "state": "Open", "begun_at": unit.now})
    elif unit.read(_THERE, {"of_upload": command.upload, "of_number": command.number}).first() is not None:
        return Done(told)
    data = b64decode(command.data, validate=True)
    unit.add(chunk, {"upload_id": command.upload, "number": command.number, "size": len(data), "data": data})
    return Done(told)
