"""Give an upload up."""

from __future__ import annotations

import sqlalchemy as sa

from schema.content.commands import DropUpload, SweepContent
from schema.content.tables import upload
from schema.outcome import Done, Outcome
from tasks.unit import Unit

_DROP = sa.update(upload).where(upload.c.upload_id == sa.bindparam("of_upload"), upload.c.state == "Open").values(state="Dropped")


def drop(command: DropUpload, unit: Unit) -> Outcome:
    """An upload that is open ends, and its chunks are swept. One that is whole, or not there, is left alone."""
    dropped = unit.change(_DROP, {"of_upload": command.upload}).rowcount > 0
    if dropped:
        unit.order(SweepContent())
    return Done({"Upload": command.upload, "Dropped": dropped})
