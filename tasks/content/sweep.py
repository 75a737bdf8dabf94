"""Remove content that nobody refers to, and uploads that were given up."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.among import among
from schema.content.commands import SweepContent
from schema.content.tables import blob, chunk, upload
from schema.outcome import Done, Outcome
from tasks.unit import Unit

#: What is whole and unused is kept for this long: whoever has brought it may be about to refer to it, whoever reads it may be at it.
UNUSED_HOURS = 24
#: An upload that has not become whole in this time was given up.
OPEN_HOURS = 24
#: Blobs, and uploads, that one transaction looks at.
PAGE = 200
#: Chunks that it removes, 8 MiB: an engine has to walk through what it frees.
CHUNKS = 16

_UNUSED = sa.select(blob.c.digest, blob.c.upload_id).where(blob.c.refs == 0, blob.c.touched_at < sa.bindparam("before"))
_FORGET = sa.delete(blob).where(blob.c.digest == sa.bindparam("of_digest"), blob.c.refs == 0, blob.c.touched_at < sa.bindparam("before"))
_DROP = sa.update(upload).where(upload.c.upload_id == sa.bindparam("of_upload")).values(state="Dropped")
_OLD = sa.select(upload.c.upload_id).where(upload.c.state == "Open", upload.c.begun_at < sa.bindparam("before"))
_DROP_OLD = sa.update(upload).where(among(upload.c.upload_id, "ids"), upload.c.state == "Open", upload.c.begun_at < sa.bindparam("before"))
_DROPPED = sa.select(upload.c.upload_id).where(upload.c.state == "Dropped").order_by(upload.c.begun_at)
_NUMBERS = sa.select(chunk.c.number).where(chunk.c.upload_id == sa.bindparam("of_upload")).order_by(chunk.c.number)
_EMPTY = sa.delete(chunk).where(chunk.c.upload_id == sa.bindparam("of_upload"), among(chunk.c.number, "numbers"))
_END = sa.delete(upload).where(upload.c.upload_id == sa.bindparam("of_upload"), upload.c.state == "Dropped")


def sweep(command: SweepContent, unit: Unit) -> Outcome:
    """One page of each kind; orders the next page while there is more."""
    unused, given_up = _forget_unused(unit), _drop_old(unit)
    removed, more = _empty_dropped(unit)
    if more or PAGE in (unused, given_up):
        unit.order(SweepContent())
    return Done({"Blobs": unused, "Uploads": given_up, "Chunks": removed})


def _forget_unused(unit: Unit) -> int:
    """Blobs nobody refers to. Each is judged again as it is deleted: another lane may have begun to refer to it."""
    before = unit.now - timedelta(hours=UNUSED_HOURS)
    found = unit.read(_UNUSED.order_by(blob.c.touched_at).limit(PAGE), {"before": before}).all()
    for row in found:
        if unit.change(_FORGET, {"of_digest": row.digest, "before": before}).rowcount:
            unit.change(_DROP, {"of_upload": row.upload_id})
    return len(found)


def _drop_old(unit: Unit) -> int:
    before = unit.now - timedelta(hours=OPEN_HOURS)
    ids = list(unit.read(_OLD.order_by(upload.c.begun_at).limit(PAGE), {"before": before}).scalars())
    if ids:
        unit.change(_DROP_OLD.values(state="Dropped"), {"ids": ids, "before": before})
    return len(ids)


def _empty_dropped(unit: Unit) -> tuple[int, bool]:
    """Remove chunks of uploads that were dropped, and the uploads once they are empty. Returns how many, and whether there are more."""
    removed = 0
    for id in list(unit.read(_DROPPED.limit(PAGE)).scalars()):
        numbers = list(unit.read(_NUMBERS.limit(CHUNKS - removed), {"of_upload": id}).scalars())
        if numbers:
            unit.change(_EMPTY, {"of_upload": id, "numbers": numbers})
            removed += len(numbers)
        if removed >= CHUNKS:
            return removed, True
        unit.change(_END, {"of_upload": id})
    return removed, False
