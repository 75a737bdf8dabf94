"""Keep bytes as content, in the very unit that writes the row that refers to them; and read them again."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from schema.content.commands import CHUNK_BYTES
from schema.content.tables import blob, chunk, upload
from tasks.content.holding import hold
from tasks.unit import Unit

_CHUNKS = (
    sa.select(chunk.c.data)
    .join(blob, blob.c.upload_id == chunk.c.upload_id)
    .where(blob.c.digest == sa.bindparam("of_digest"))
    .order_by(chunk.c.number)
)


def keep(unit: Unit, data: bytes) -> str:
    """Store the bytes unless they are there, and count one reference. Returns their digest.

    When two lanes bring the same bytes at once, the later unit fails at its insert and finds them the next time.
    """
    digest = hashlib.sha256(data).hexdigest()
    if hold(unit, digest, len(data)):
        return digest
    id = unit.new_id()
    unit.add(upload, {"upload_id": id, "state": "Whole", "begun_at": unit.now})
    for number, start in enumerate(range(0, len(data), CHUNK_BYTES)):
        piece = data[start : start + CHUNK_BYTES]
        unit.add(chunk, {"upload_id": id, "number": number, "size": len(piece), "data": piece})
    told = {"upload_id": id, "chunk_bytes": CHUNK_BYTES, "refs": 1, "stored_at": unit.now, "touched_at": unit.now}
    unit.add(blob, {"digest": digest, "size": len(data), **told})
    return digest


def kept(unit: Unit, digest: str) -> bytes:
    """The bytes of that digest. Raises LookupError when they are not there."""
    parts = [bytes(data) for data in unit.read(_CHUNKS, {"of_digest": digest}).scalars()]
    if not parts:
        raise LookupError(f"there is no content {digest}")
    return b"".join(parts)
